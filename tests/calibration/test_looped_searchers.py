"""The hand-built models with loops do what their algorithm does, in both formats, round by round."""

from inspect import unwrap

import numpy as np
import pytest
import torch

from maze_rl import generate, load_tokenization
from maze_rl.calibration.looped_searchers import MOST_LOOPS, READING_LOOPS, LoopedKind, build_looped
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.evaluation.rollouts import roll_out
from maze_rl.interp.activations.answers_by_loop import answers_by_loop
from maze_rl.interp.behaviour.rival_algorithms import compare_rivals
from maze_rl.interp.behaviour.simple_rules import manhattan
from maze_rl.interp.inputs.algorithm_clocks import CLOCKS
from maze_rl.interp.inputs.decisions import decision_logits, find_decisions
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import MazeTransformer
from maze_rl.models.decoding import decode_paths
from maze_rl.models.untrained import untrained_twin
from maze_rl.tokenization.outcomes import judge
from maze_rl.tokenization.tokenization import Tokenization

FORMATS = ("cells", "edges")
SEARCHES: tuple[tuple[LoopedKind, str], ...] = (
    ("wave", "wave"),
    ("dead_end_filling", "dead-end filling"),
    ("either", "either"),
)


def tokens_of(token_format: str, canvas: int = 5, **options: bool) -> Tokenization:
    return load_tokenization(token_format, canvas=canvas, origin="path", **options)


def shortest(model: MazeTransformer, batch: MazeBatch) -> np.ndarray:
    solution = solve_batch(batch, 0)
    return judge(solution, roll_out(model, solution, seed=0, batch_size=64, decode=decode_paths)).shortest


@pytest.mark.parametrize("token_format", FORMATS)
@pytest.mark.parametrize("kind", [kind for kind, _ in SEARCHES])
def test_searches_solve_every_maze_with_loops_enough(kind: LoopedKind, token_format: str) -> None:
    model = build_looped(kind, tokens_of(token_format), loops=24 + READING_LOOPS)
    assert shortest(model, generate(5, "dfs", 40, seed=1).batches[0]).all()


@pytest.mark.parametrize("token_format", FORMATS)
def test_a_wave_finds_its_way_among_cycles_and_anywhere_on_the_canvas(token_format: str) -> None:
    model = build_looped("wave", tokens_of(token_format, random_offsets=True), loops=20)
    for size in (3, 4):
        assert shortest(model, generate(size, "dfs_percolation", 40, seed=2).batches[0]).all()


@pytest.mark.parametrize("token_format", FORMATS)
@pytest.mark.parametrize(("kind", "clock"), SEARCHES)
def test_a_cell_is_right_after_as_many_rounds_as_its_algorithm_takes(
    kind: LoopedKind, clock: str, token_format: str
) -> None:
    mazes = generate(5, "dfs", 60, seed=3).batches[0]
    answers = answers_by_loop(build_looped(kind, tokens_of(token_format), loops=8), mazes)
    rounds = CLOCKS[clock](mazes)
    for loop in (5, 8):
        right, known = answers.right[:, loop - 1], rounds <= loop - READING_LOOPS
        assert right[known & answers.asked].all()
        beyond = ~known & answers.asked
        assert beyond.sum() > 40
        assert right[beyond].mean() < 0.75  # luck: two or three ways are open


def test_merging_doubles_its_reach() -> None:
    mazes = generate(4, "dfs", 40, seed=3).batches[0]
    answers = answers_by_loop(build_looped("merging", tokens_of("edges", 4), loops=7), mazes)
    rounds = CLOCKS["wave"](mazes)
    for loop in range(3, 7):
        right, known = answers.right[:, loop - 1], rounds < 2 ** (loop - 2)
        assert right[known & answers.asked].all()
        if loop < 6:
            assert right[~known & answers.asked].mean() < 0.75
    assert shortest(build_looped("merging", tokens_of("edges", 4), loops=7), mazes).all()


@pytest.mark.parametrize(("kind", "clock"), [*SEARCHES, ("merging", "doubling")])
def test_rivals_are_told_apart_on_models_that_are_known(kind: LoopedKind, clock: str) -> None:
    mazes = generate(5, "dfs", 80, seed=4).batches[0]
    token_format, loops = ("edges", 8) if kind == "merging" else ("cells", 27)
    found = compare_rivals(answers_by_loop(build_looped(kind, tokens_of(token_format), loops=loops), mazes))
    assert found.best == clock
    assert found.rivals[clock].loops_per_round.value == pytest.approx(1, abs=0.15)
    assert found.rivals[clock].error.value < 0.4
    assert all(rival.beyond_best.low > 0 for name, rival in found.rivals.items() if name != clock)


@pytest.mark.parametrize("token_format", FORMATS)
@pytest.mark.parametrize("kind", ["greedy", "decoy"])
def test_greedy_and_decoy_choose_what_manhattan_greedy_picks(kind: LoopedKind, token_format: str) -> None:
    model = build_looped(kind, tokens_of(token_format), loops=12)
    decisions = find_decisions(model.tokenization, generate(5, "dfs", 100, seed=6).batches[0])
    picks = manhattan(decisions)
    chosen = decisions.next_ids == decision_logits(model, decisions).argmax(dim=-1).numpy()[:, None]
    assert ((picks & chosen).sum(axis=1) == 1).all()
    assert (decisions.is_fork & ~(picks & decisions.optimal).any(axis=1)).sum() > 15


def test_with_other_loops_the_reach_is_another_and_the_weights_are_the_same() -> None:
    model = build_looped("wave", tokens_of("cells"), loops=6)
    far = model.with_loops(30)
    assert far.blocks[0].mlp.W_in is model.blocks[0].mlp.W_in  # type: ignore[union-attr]
    mazes = generate(5, "dfs", 40, seed=7, min_path_length=8).batches[0]
    assert shortest(far, mazes).all()
    assert shortest(model, mazes).mean() < 0.3


def test_a_rotation_changes_the_basis_and_not_the_function() -> None:
    plain, turned = (build_looped("either", tokens_of("cells", 4), loops=10, rotate=turn) for turn in (False, True))
    tokens = plain.tokenization.encode(generate(4, "dfs", 20, seed=8)).tokens
    with torch.no_grad():
        one, other = plain.double()(tokens), turned.double()(tokens)
    real = tokens != 10
    assert float((one - other)[real].abs().max() / one[real].abs().max()) < 1e-4  # weights are rounded to float32


def test_its_untrained_twin_has_its_shape_and_solves_nothing() -> None:
    model = build_looped("wave", tokens_of("cells"), loops=12)
    twin = untrained_twin(model)
    assert {name: each.shape for name, each in twin.named_parameters()} == {
        name: each.shape for name, each in model.named_parameters()
    }
    assert twin.loops == 12
    assert shortest(twin, generate(5, "dfs", 20, seed=9, min_path_length=8).batches[0]).mean() < 0.1


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown hand-built model with loops 'waves'"):
        unwrap(build_looped)("waves", tokens_of("cells"))  # type: ignore[arg-type]
    for token_format, options in (("unique_cells", {"origin": "path"}), ("cells", {"origin": "prompt"})):
        with pytest.raises(ConfigurationError, match="reads the formats cells and edges with origin='path'"):
            build_looped("wave", load_tokenization(token_format, canvas=4, **options))
    with pytest.raises(ConfigurationError, match="take 1 to 200"):
        build_looped("wave", tokens_of("cells"), loops=MOST_LOOPS + 1)
