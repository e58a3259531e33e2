from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import FORMATS, PATHS
from maze_rl.evaluation import teacher_forced
from maze_rl.evaluation.teacher_forced import Predictions, predict, sample_paths, teacher_forced_row
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization

LogitsAt = Callable[[HookedTransformer, Tensor, Tensor], Tensor]


def uniform(model: HookedTransformer, tokens: Tensor, chosen: Tensor) -> Tensor:
    return torch.zeros(int(chosen.sum()), model.cfg.d_vocab)


def knows_the_reference(model: HookedTransformer, tokens: Tensor, chosen: Tensor) -> Tensor:
    """Give the token that follows in the sequence 9 times the weight of all others together."""
    following = tokens.roll(-1, dims=1)[chosen]
    logits = torch.zeros(len(following), model.cfg.d_vocab)
    logits[torch.arange(len(following)), following] = float(np.log(9 * (model.cfg.d_vocab - 1)))
    return logits


@pytest.fixture
def ask(tiny_model: MazeTransformer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Predictions]:
    def make(solution: BatchSolution, logits_at: LogitsAt, batch_size: int = 64) -> Predictions:
        monkeypatch.setattr(teacher_forced, "logits_at", logits_at)
        return predict(tiny_model, sample_paths(solution, seed=0), seed=0, batch_size=batch_size)

    return make


def test_uniform_predictions_on_a_known_tree(
    tree: BatchSolution, ask: Callable[..., Predictions], tiny_model: MazeTransformer
) -> None:
    found, words = ask(tree, uniform), tiny_model.cfg.d_vocab
    # origin, 00 (only right), 01 (left, right, down), 02 (two), 12 (two), end
    assert found.legal_mass[0] * words == pytest.approx([1, 1, 3, 2, 2, 1], rel=1e-4)
    assert found.optimal_mass[0] * words == pytest.approx([1] * 6, rel=1e-4)
    assert found.optimal_nll[0] == pytest.approx([np.log(words)] * 6, rel=1e-4)
    assert found.is_fork[0].tolist() == [False, False, True, False, False, False]
    assert found.is_forced[0].tolist() == [False, True, False, True, True, False]
    assert found.used.all()


def test_a_model_that_knows_the_path_is_right_everywhere(tree: BatchSolution, ask: Callable[..., Predictions]) -> None:
    row = teacher_forced_row(3, ask(tree, knows_the_reference), np.array([True]), np.zeros(1, np.uint64), 0)
    assert row.token_accuracy.value == 1.0
    assert row.token_accuracy.num == 6
    assert row.fork_accuracy is not None
    assert row.forced_accuracy is not None
    assert (row.fork_accuracy.num, row.forced_accuracy.num) == (1, 3)
    assert row.optimal_mass.value == pytest.approx(0.9)
    assert row.optimal_nll.value == pytest.approx(-np.log(0.9), rel=1e-4)
    assert row.fork_calibration_error == pytest.approx(0.1, rel=1e-4)
    assert row.rollout_gap == 0.0


def test_every_optimal_move_is_right(square: BatchSolution, ask: Callable[..., Predictions]) -> None:
    def other_way(model: HookedTransformer, tokens: Tensor, chosen: Tensor) -> Tensor:
        """At the origin, name the neighbour the reference does not take."""
        logits = knows_the_reference(model, tokens, chosen).unflatten(0, (len(tokens), 4))
        logits[:, 1] = logits[:, 1].flip(0)
        return logits.flatten(0, 1)

    found = ask(square, other_way)
    assert len(found.mazes) == 2  # both shortest paths
    assert found.correct.all()
    assert found.is_fork.tolist() == [[False, True, False, False]] * 2


def model_for(name: str, **options: Any) -> MazeTransformer:
    tokenization = load_tokenization(name, canvas=5, random_offsets=True, **options)
    return build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1, embedding="free"), tokenization)


def test_a_decision_of_several_tokens_multiplies_them(
    tree: BatchSolution, square: BatchSolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teacher_forced, "logits_at", uniform)
    model = model_for("row_column")
    words = model.cfg.d_vocab
    found = predict(model, sample_paths(tree, seed=0), seed=0, batch_size=4)
    # Origin and single moves: 1 * 1 tokens. At 01 one may go to 00, 02 or 11: rows 0 or 1, and then, in row 0 as the
    # path, columns 0 or 2. At 02 to 01 or 12: rows 0 or 1, then in row 1 one column. At 12 to 02 or 22 likewise.
    assert found.legal_mass[0] * words**2 == pytest.approx([1, 1, 4, 2, 2, words], rel=1e-4)
    assert found.optimal_mass[0] * words**2 == pytest.approx([1, 1, 1, 1, 1, words], rel=1e-4)
    assert found.optimal_nll[0] == pytest.approx([2 * np.log(words)] * 5 + [np.log(words)], rel=1e-4)
    assert found.confidence[0] * words**2 == pytest.approx([1, 1, 1, 1, 1, words], rel=1e-4)
    # Both ways are right at 00: rows 0 or 1, each with one column.
    found = predict(model, sample_paths(square, seed=0), seed=0, batch_size=4)
    assert found.optimal_mass[:, 1] * words**2 == pytest.approx([2, 2], rel=1e-4)


def test_a_token_that_several_cells_share_counts_once(tree: BatchSolution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher_forced, "logits_at", uniform)
    model = model_for("coordinate_tuples")
    words = model.cfg.d_vocab
    found = predict(model, sample_paths(tree, seed=0), seed=0, batch_size=4)
    assert found.legal_mass[0] * words**5 == pytest.approx([1, 1, 4, 2, 2, words**4], rel=1e-4)


@pytest.mark.parametrize("path", ["moves", "turns"])
def test_moves_have_no_origin_to_predict(path: str, tree: BatchSolution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher_forced, "logits_at", uniform)
    model = model_for("edges", path=path)
    found = predict(model, sample_paths(tree, seed=0), seed=0, batch_size=4)
    assert found.used[0].tolist() == [False] + [True] * 5
    assert found.legal_mass[0] * model.cfg.d_vocab == pytest.approx([0, 1, 3, 2, 2, 1], rel=1e-4)
    assert found.is_fork[0].tolist() == [False, False, True, False, False, False]


@pytest.mark.parametrize("path", PATHS)
def test_an_origin_that_is_given_is_not_predicted(
    path: str, tree: BatchSolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teacher_forced, "logits_at", uniform)
    model = model_for("edges", path=path, origin="path")
    found = predict(model, sample_paths(tree, seed=0), seed=0, batch_size=4)
    assert found.used[0].tolist() == [False] + [True] * 5
    assert found.legal_mass[0] * model.cfg.d_vocab == pytest.approx([0, 1, 3, 2, 2, 1], rel=1e-4)


@pytest.mark.parametrize("name", FORMATS)
def test_an_origin_that_training_left_out_is_not_predicted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    solution = solve_batch(generate(4, "dfs_percolation", num=20, seed=0, percolation=0.4).batches[0])
    monkeypatch.setattr(teacher_forced, "logits_at", knows_the_reference)
    model, references = model_for(name), sample_paths(solution, seed=0)
    whole = predict(model, references, seed=0, batch_size=7)
    model.about = {"loss": "path_from_first_choice"}
    found = predict(model, references, seed=0, batch_size=7)
    assert whole.used[:, 0].all()
    assert not found.used[:, 0].any()
    assert (found.used[:, 1:] == whole.used[:, 1:]).all()
    assert (found.correct == found.used).all()
    assert found.optimal_nll[:, 1:] == pytest.approx(whole.optimal_nll[:, 1:])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("edges", {"origin": "path"}),
        ("coordinate_tuples", {"origin": "path", "path": "moves"}),
        ("row_column", {"origin": "path", "path": "turns"}),
        ("edges", {"path": "turns"}),
        ("row_column", {}),
        ("coordinate_tuples", {"query": "first"}),
        ("unique_cells", {"path": "moves", "walls": True}),
    ],
)
def test_a_model_that_knows_the_tokens_is_right_in_every_format(
    name: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    solution = solve_batch(generate(4, "dfs_percolation", num=20, seed=0, percolation=0.4).batches[0])
    model, references = model_for(name, **options), sample_paths(solution, seed=0)
    size = model.tokenization.layout.tokens_per_step
    monkeypatch.setattr(teacher_forced, "logits_at", knows_the_reference)
    found = predict(model, references, seed=0, batch_size=7)
    assert (found.correct == found.used).all()
    steps = found.is_fork | found.is_forced
    assert found.confidence[steps] == pytest.approx(0.9**size, rel=1e-4)
    assert (found.optimal_mass[steps] >= 0.9**size - 1e-5).all()
    assert (found.legal_mass[found.used] >= found.optimal_mass[found.used] - 1e-6).all()
    assert (found.legal_mass[found.used] <= 1 + 1e-6).all()

    def forgets_one(model: HookedTransformer, tokens: Tensor, chosen: Tensor) -> Tensor:
        """Put the last token asked for, an end, in the place of another: one token of the last path is wrong."""
        logits = knows_the_reference(model, tokens, chosen)
        logits[-2] = logits[-1]
        return logits

    monkeypatch.setattr(teacher_forced, "logits_at", forgets_one)
    wrong = predict(model, references, seed=0, batch_size=1000)
    assert (wrong.used & ~wrong.correct).sum() == 1


def test_mazes_of_different_lengths_share_a_batch(ask: Callable[..., Predictions]) -> None:
    solution = solve_batch(generate(4, "dfs_percolation", num=30, seed=0).batches[0])
    few, many = ask(solution, knows_the_reference, 3), ask(solution, knows_the_reference, 100)
    assert (few.correct == few.used).all()
    assert np.array_equal(few.legal_mass, many.legal_mass)
    assert (few.used.sum(axis=1) == solution.lengths[few.mazes] + 2).all()
    assert (few.legal_mass[few.used] >= few.optimal_mass[few.used] - 1e-6).all()
    assert (few.legal_mass[~few.used] == 0).all()


def test_the_real_model_gives_a_distribution(tiny_model: MazeTransformer) -> None:
    solution = solve_batch(generate(4, num=5, seed=0).batches[0])
    found = predict(tiny_model, sample_paths(solution, seed=0), seed=0, batch_size=2)
    encoded = tiny_model.tokenization.encode_batch(solution.batch, streams=np.arange(5), seed=0, solution=solution)
    with torch.no_grad():
        top = tiny_model(encoded.tokens).softmax(-1).max(-1).values
    for row in range(5):
        start = int(encoded.spans.path_start[row])
        expected = top[row, start : start + int(solution.lengths[row]) + 2].numpy()
        assert found.confidence[row][found.used[row]] == pytest.approx(expected, rel=1e-4)


def test_sampled_paths_are_different_shortest_ones_and_equally_likely() -> None:
    grid = np.zeros((1, 2, 3, 3), np.bool_)
    grid[0, 0, :2], grid[0, 1, :, :2] = True, True
    one = generate(3, num=1, seed=0).batches[0]
    batch = type(one)(grid.repeat(400, 0), np.zeros((400, 2), np.int16), np.full((400, 2), 2, np.int16))
    found = sample_paths(solve_batch(batch), seed=0)
    paths = [found.solution.paths[row].tobytes() for row in range(len(found.mazes))]
    assert (found.solution.lengths == 4).all()
    assert (found.labels.distances[:, 0] == 4).all()
    assert len(set(zip(found.mazes.tolist(), paths, strict=True))) == len(paths)
    counts = Counter(paths)
    assert len(counts) == 6
    # Eight draws miss one of six paths with probability (5/6)^8 = .23.
    assert [n / 400 for n in counts.values()] == pytest.approx([1 - (5 / 6) ** 8] * 6, abs=0.07)


def test_a_maze_counts_once_however_many_paths() -> None:
    yes, no = [True] * 3, [False] * 3
    every = np.array([yes, yes, yes])
    # Maze 0 is asked about two paths and right on one, maze 1 about one and right.
    correct = np.array([yes, no, yes])
    value = np.ones((3, 3), np.float32)
    found = Predictions(np.array([0, 0, 1]), every, every, ~every, correct, value, value, value, value)
    row = teacher_forced_row(3, found, np.array([True, False]), np.arange(2, dtype=np.uint64), 0)
    assert row.token_accuracy.value == pytest.approx(0.75)
    assert row.token_accuracy.num == 6
    assert row.rollout_gap == pytest.approx(0.75 - 0.5)
    assert row.forced_accuracy is None
    assert row.fork_calibration_error == pytest.approx(0.25)
