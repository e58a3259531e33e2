"""The shipped models keep the promises of their cards on mazes they never saw."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from maze_rl.evaluation.teacher_forced import predict, sample_paths
from maze_rl.interp.activations.cell_streams import cell_streams
from maze_rl.interp.inputs.cell_variables import CELL_VARIABLES
from maze_rl.interp.probes.readouts import load_readouts
from maze_rl.intervals import wilson
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.model_files import checkpoint_steps, load_model
from maze_rl.models.places import find_model
from maze_rl.shipped import shipped
from maze_rl.workflows.evaluate import evaluate
from maze_rl.workflows.export import export
from maze_rl.workflows.export_loader import load

SEARCHER, CONTROL, FLAGSHIP = "maze-5to9-cpu", "maze-5to9-causal", "maze-5to9"


def card(name: str) -> str:
    return (Path(shipped("models", name)) / "README.md").read_text()


def card_rates(name: str) -> dict[int, float]:
    """The rates of shortest walks by size that a card states."""
    rows = re.findall(r"^\| (\d+) \*? ?\| ([01]\.\d+) \|", card(name), re.MULTILINE)
    return {int(size): float(rate) for size, rate in rows}


@pytest.mark.parametrize(("name", "most"), [(SEARCHER, 7_500_000), (CONTROL, 4_000_000), (FLAGSHIP, 15_000_000)])
def test_it_is_small_and_says_where_it_comes_from(name: str, most: int) -> None:
    folder = shipped("models", name)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < most
    about = load_model(name).about
    assert about["sizes"] == [5, 6, 7, 8, 9]
    assert about["leaks"] == 0
    assert ("experiments/flagship.py" if name == FLAGSHIP else "maze-rl train") in card(name)
    assert f"{about['steps']:,} steps" in card(name).replace(f"{about['steps']} steps", f"{about['steps']:,} steps")


@pytest.mark.parametrize(("name", "size"), [(SEARCHER, 5), (SEARCHER, 10), (FLAGSHIP, 9), (FLAGSHIP, 12)])
def test_it_reproduces_its_card_on_a_sample(name: str, size: int) -> None:
    from maze_rl.evaluation.rollouts import roll_out
    from maze_rl.models.decoding import decode_paths
    from maze_rl.tokenization.outcomes import judge

    num = 60
    solution = solve_batch(generate(size, "dfs", num=num, seed=5, split="test").batches[0], 0)
    settings = {"seed": 0, "batch_size": num, "decode": decode_paths, "shortest_only": True}
    shortest = judge(solution, roll_out(load_model(name), solution, **settings)).shortest
    found = wilson(int(shortest.sum()), num, level=0.999)
    assert found.low <= card_rates(name)[size] <= found.high


def test_hooks_and_the_export_change_nothing_but_rounding(tmp_path: Path) -> None:
    """Loops magnify rounding: the README says how much in single precision, and how little in double."""
    ours = load_model(SEARCHER)
    folder = export(SEARCHER, tmp_path / "exported")
    stock = load(folder)
    tokens, spans = ours.tokenization.encode(generate(9, num=6, seed=3))
    place = torch.arange(tokens.shape[1])
    asked = (place > spans.path_start[:, None]) & (place < spans.lengths[:, None] - 1)  # behind the end nothing is
    for kind, share, most in ((torch.float32, 0.99, 0.1), (torch.float64, 1.0, 1e-8)):
        for model in (ours, stock):
            model.to(kind)
        with torch.no_grad():
            fused, hooked, exported = ours(tokens), ours.run_with_cache(tokens)[0], stock(tokens)
        written = fused > -50  # the others have a logit of -100
        assert written.any()
        for other in (hooked, exported):
            assert (fused - other)[written].abs().quantile(share) < most
            assert (fused.argmax(dim=-1) == other.argmax(dim=-1))[asked].all()


@pytest.mark.slow
def test_the_control_does_more_than_a_heuristic_on_5x5() -> None:
    row = evaluate(CONTROL, sizes=5, num=1000).rows[0]
    assert row.shortest.low > row.baselines["manhattan"].value
    assert row.against_manhattan.low > 0
    assert row.solved_where_manhattan_fails is not None
    assert row.solved_where_manhattan_fails.value >= 0.15
    assert row.baselines["oracle"].value == 1.0


@pytest.mark.parametrize(("name", "variable", "least"), [(SEARCHER, "look-ahead", 0.8), (FLAGSHIP, "distance", 0.85)])
def test_its_read_outs_read_it(name: str, variable: str, least: float) -> None:
    readouts = load_readouts(name)
    mazes = generate(7, num=20, seed=21, split="test").batches[0]
    streams = cell_streams(load_model(name), mazes, loops=readouts.loops)
    found, label = readouts.read(variable, streams), CELL_VARIABLES[variable](mazes)
    quality = readouts.quality[variable]
    for place in (0, len(quality) // 2, len(quality) - 1):
        missed = ((found[:, place] - label) ** 2).sum() / ((label - label.mean()) ** 2).sum()
        assert 1 - missed == pytest.approx(quality[place], abs=0.2)
    assert max(quality) > least


def test_its_checkpoints_show_it_learning() -> None:
    steps = checkpoint_steps(SEARCHER)
    assert len(steps) == 12
    stored = find_model(SEARCHER) / "checkpoints"
    assert sum(path.stat().st_size for path in stored.rglob("*") if path.is_file()) <= 5_000_000
    solution = solve_batch(generate(5, "dfs", num=40, seed=7, split="test").batches[0], 0)
    references = sample_paths(solution, 0)
    right = []
    for step in (steps[0], steps[-1]):
        found = predict(load_model(SEARCHER, checkpoint=step), references, seed=0, batch_size=40)
        right.append(found.correct[found.used].mean())
    assert right[1] > right[0] + 0.1


def test_walks_with_their_history_are_as_good_as_single_steps() -> None:
    """The same decisions, asked behind the whole path so far and asked of a cell alone, are right equally often."""
    model = load_model(SEARCHER)
    solution = solve_batch(generate(8, "dfs", num=40, seed=11, split="test").batches[0], 0)
    tokenization, batch = model.tokenization, solution.batch
    streams = np.arange(len(batch))
    whole = tokenization.encode_batch(batch, streams=streams, seed=0, solution=solution)
    with torch.inference_mode():
        behind_path = model(whole.tokens).argmax(dim=-1)
    agree = [[], []]
    for row in range(len(batch)):
        length = int(solution.lengths[row])
        cells = solution.paths[row, : length + 1]
        alone = (
            MazeBatch(
                np.repeat(batch.connections[row : row + 1], length + 1, axis=0),
                cells,
                np.repeat(batch.targets[row : row + 1], length + 1, axis=0),
            )
            if length
            else None
        )
        if alone is None:
            continue
        # the same prompt for every cell: the stream of the maze decides order and offset
        prompts = tokenization.encode_batch(alone, streams=np.full(length + 1, row), seed=0, prompt_only=True)
        with torch.inference_mode():
            single = model(prompts.tokens)[:, -1].argmax(dim=-1)
        start = int(whole.spans.answer_start[row])
        wanted = whole.tokens[row, start : start + length + 1]
        agree[0] += (behind_path[row, start - 1 : start + length] == wanted).tolist()
        agree[1] += (single == wanted).tolist()
    with_history, without = (float(np.mean(found)) for found in agree)
    assert with_history > without - 0.01
    assert without > 0.9
