import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import Phase, RunConfig, TrainingConfig
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import FUSED, build_model
from maze_rl.models.readout import logits_at
from maze_rl.tokenization.layouts import PADDING, PATH_END
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization
from maze_rl.workflows import bench as bench_module
from maze_rl.workflows.bench import ROWS, bench
from maze_rl.workflows.benchmarks import decoding_rows, process_rows, rows, token_rows, training_rows
from maze_rl.workflows.benchmarks.plain_transformer import plain_twin
from maze_rl.workflows.benchmarks.rows import Lap, Row, Target, Trial, faster, result
from maze_rl.workflows.benchmarks.stock_transformer import stock_twin

KEYS = {"name", "against", "ratio", "spread", "target", "target_text", "ratio_text", "holds", "detail"}
TINY = RunConfig(
    training=TrainingConfig(phases=(Phase(steps=9, mazes=MazeSpec(sizes=(3, 4))),), batch_size=4),
    tokenization=TokenizationConfig(canvas=12),
    model=ModelConfig(n_layers=2, d_model=16, n_heads=2),
)


def tiny_model(dtype: torch.dtype = torch.float32):
    return build_model(TINY.model, Tokenization(TINY.tokenization), seed=3, dtype=dtype)


def tokens_and_mask():
    tokens = load_tokenization("edges", canvas=12).encode(generate((3, 4), num=5)).tokens
    return tokens, torch.rand(tokens.shape, generator=torch.Generator().manual_seed(0)) < 0.5


def test_a_row_has_what_the_command_line_prints() -> None:
    heard = []
    measured, missing = bench("--help", repeats=3, progress=lambda row, done: heard.append((row, done)))
    (row,) = measured
    assert missing == []
    assert row.keys() == KEYS
    assert row["target_text"] == "< 0.5 s" and row["ratio_text"].endswith(" s")
    assert 0 < row["spread"][0] <= row["ratio"] <= row["spread"][1]
    assert "imports" not in row["detail"]  # neither torch nor numba
    assert [done for _, done in heard] == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_names_are_unique_and_found_by_a_part() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert [row.name for row in bench_module._chosen("20X20 WILSON")] == ["generate and solve, 20x20 wilson"]


def test_unknown_rows_and_no_rounds_are_errors() -> None:
    with pytest.raises(UnknownNameError, match="batched rollouts"):
        bench("teleport")
    with pytest.raises(ConfigurationError, match="repeats is 0"):
        bench("--help", repeats=0)


def test_rows_of_a_missing_peer_are_skipped_and_named(monkeypatch) -> None:
    # importing any of it raises ImportError, whatever another test has imported before
    for name in ["maze_dataset", *(name for name in sys.modules if name.startswith("maze_dataset."))]:
        monkeypatch.setitem(sys.modules, name, None)
    measured, missing = bench("wilson", repeats=1)
    assert (measured, missing) == ([], ["maze-dataset"])


def test_our_own_import_errors_are_not_swallowed(monkeypatch) -> None:
    def prepare(seed: int) -> Trial:
        raise ImportError("ours")

    monkeypatch.setattr(bench_module, "ROWS", (Row(name="a", against="b", prepare=prepare),))
    with pytest.raises(ImportError, match="ours"):
        bench(repeats=1)


def test_threads_are_as_before() -> None:
    before = torch.get_num_threads()
    bench("--help", repeats=1)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("target", "unit", "measured", "holds", "texts"),
    [
        (Target(">=", 500), "x", [499.0, 500.0, 812.4], True, (">= 500x", "500x")),
        (Target(">=", 0.95), "x", [0.9, 0.94, 2.0], False, (">= 0.95x", "0.94x")),
        (Target("<=", 1.0), "x", [1.0], True, ("<= 1x", "1.00x")),
        (Target("<", 0.5), "s", [0.5], False, ("< 0.5 s", "0.50 s")),
        (None, "MB", [231.4], None, (None, "231 MB")),
    ],
)
def test_a_target_holds_for_the_median(target, unit, measured, holds, texts) -> None:
    row = Row(name="a", against="b", prepare=lambda seed: Trial(lambda: 0.0, ""), target=target, unit=unit)
    values = result(row, Trial(lambda: 0.0, "sizes"), measured)
    assert values["holds"] is holds
    assert (values["target_text"], values["ratio_text"]) == texts
    assert values["spread"] == (min(measured), max(measured))


def test_a_fault_breaks_a_row_whatever_was_measured() -> None:
    row = Row(name="a", against="b", prepare=lambda seed: Trial(lambda: 0.0, ""), target=Target("<", 1.0), unit="s")
    values = result(row, Trial(lambda: 0.0, "python", "imports torch"), [0.1])
    assert values["holds"] is False and values["detail"] == "python; imports torch"


def test_sides_take_turns_and_times_are_per_item(monkeypatch) -> None:
    clock, turns = [0.0], []
    monkeypatch.setattr(rows, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def work(side: str, duration: float):
        def run() -> None:
            turns.append(side)
            clock[0] += duration

        return run

    measure = faster(Lap(work("ours", 1.0), 100), Lap(work("peer", 6.0), 2), laps=3)
    turns.clear()  # the warm-up
    assert measure() == pytest.approx(300)  # 3 s an item against 0.01 s
    assert len(turns) == 6 and all(first != second for first, second in pairwise(turns))


def test_the_plain_twin_is_the_same_function() -> None:
    model = tiny_model(torch.float64)
    tokens, chosen = tokens_and_mask()
    ours, twins = logits_at(model, tokens, chosen), plain_twin(model)(tokens, chosen)
    assert ours.std() > 0.1
    torch.testing.assert_close(twins, ours, rtol=0, atol=1e-12)


def test_the_stock_twin_is_the_same_function_of_stock_components() -> None:
    model = tiny_model(torch.float64)
    tokens, chosen = tokens_and_mask()
    twin = stock_twin(model)
    assert not {type(module) for module in twin.modules()} & set(FUSED.values())
    torch.testing.assert_close(twin(tokens)[chosen], logits_at(model, tokens, chosen), rtol=0, atol=1e-12)


def test_both_sides_of_a_training_row_take_the_same_step() -> None:
    model, batch = training_rows._prepare(TINY, 0)
    ours = training_rows._our_step(TINY, model, batch)
    plain = training_rows._plain_step(TINY, plain_twin(model), batch)
    first = ours()["loss"]
    assert plain() == pytest.approx(first, rel=1e-5)
    assert [plain() for _ in range(20)][-1] < first  # it learns


def test_the_stock_side_of_a_training_row_learns() -> None:
    model, batch = training_rows._prepare(TINY, 0)
    step = training_rows._stock_step(TINY, stock_twin(model), batch)
    losses = [step() for _ in range(20)]
    assert losses[-1] < losses[0]


def test_both_sides_of_the_rollout_row_write_the_same_tokens() -> None:
    model = tiny_model()
    prompts, lengths, budget = decoding_rows.rollout_inputs(model, 6, seed=0)
    ours = decoding_rows.write_batched(model, prompts, lengths, budget)
    peers = decoding_rows.one_by_one(stock_twin(model), prompts, lengths, budget)()
    assert (budget.diff() >= 0).all() and budget[0] < budget[-1]
    for row, peer, steps in zip(ours, peers, budget, strict=True):
        assert row[row != PADDING].tolist() == peer.tolist()
        assert len(peer) == steps or peer[-1] == PATH_END


def test_imports_of_a_process_are_seen() -> None:
    assert process_rows.imported_by(("-c", "import maze_rl"), ("maze_rl", "torch", "numba")) == ["maze_rl"]
    assert process_rows.imported_by(("-c", "import maze_rl.mazes.solve"), ("torch", "numba")) == ["numba"]


@pytest.mark.slow
def test_peak_memory_is_that_of_a_whole_process() -> None:
    found = process_rows.write_mazes(100, 0, 1)
    assert found["seconds"] > 0
    assert 50 < found["parent"] < 500
    assert found["worker"] == 0  # one process does all


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["unique_cells", "coordinate_tuples"])
def test_the_peer_writes_the_same_tokens_in_another_order(name: str) -> None:
    pytest.importorskip("maze_dataset")
    solution = solve_batch(generate(5, num=3).batches[0])
    legacy = token_rows.peer_tokenizers(name, 5)[0]
    peers = token_rows.peer_encoder(token_rows.peer_mazes(solution, 3), legacy)()
    encoded = load_tokenization(name, canvas=5).encode_batch(solution.batch, streams=np.arange(3), solution=solution)
    for peer, ours, length in zip(peers, encoded.tokens, encoded.spans.lengths, strict=True):
        assert sorted(peer) == sorted(ours[:length].tolist())
        assert peer[-5:] == ours[length - 5 : length].tolist()
