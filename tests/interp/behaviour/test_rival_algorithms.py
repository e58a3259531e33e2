"""The algorithm whose rounds answers follow is named, with its speed; answers that follow none are no search."""

import numpy as np
import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import LoopAnswers
from maze_rl.interp.behaviour.rival_algorithms import compare_rivals, settle_loops
from maze_rl.interp.inputs.algorithm_clocks import CLOCKS, Rounds
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.generate import generate

MAZES = generate(7, "dfs", num=80, seed=2).batches[0]
LOOPS = 60


def answers_of(loops: Rounds) -> LoopAnswers:
    """Answers of cells that are sure of their shortest moves from given loops on."""
    labels = label_cells(MAZES)
    sure = np.arange(1, LOOPS + 1)[None, :, None] >= loops[:, None]
    return LoopAnswers(
        mazes=MAZES,
        moves=np.zeros(sure.shape, np.int8),
        confidence=np.where(sure, 0.9, 0.5).astype(np.float32),
        optimal=labels.optimal,
        distances=labels.distances,
    )


@pytest.mark.parametrize("name", ["wave", "dead-end filling", "either", "doubling"])
def test_the_algorithm_that_is_followed_is_named(name: str) -> None:
    wobble = np.random.default_rng(0).normal(0, 0.6, (len(MAZES), 49))
    found = compare_rivals(answers_of(np.maximum(2 + 0.8 * CLOCKS[name](MAZES) + wobble, 1)))
    assert found.best == name
    rival = found.rivals[name]
    assert rival.loops_per_round.low <= 0.8 <= rival.loops_per_round.high + 0.05
    assert rival.error.high < 1 and rival.below_constant.low > 0 and rival.beyond_best.value == 0
    assert all(each.beyond_best.low > 0 for other, each in found.rivals.items() if other != name)


def test_answers_that_follow_no_rounds_are_no_search() -> None:
    loops = np.random.default_rng(1).integers(1, 40, (len(MAZES), 49)).astype(np.float64)
    found = compare_rivals(answers_of(loops))
    assert all(each.below_constant.low <= 0.05 for each in found.rivals.values())


def test_errors_are_means_over_held_out_cells_that_settle() -> None:
    loops = 1 + CLOCKS["wave"](MAZES)
    loops[:, ::2] = LOOPS + 1  # these never settle
    found = compare_rivals(answers_of(loops), clocks={"wave": CLOCKS["wave"]})
    assert found.rivals["wave"].error.value == pytest.approx(0, abs=1e-9)
    assert found.rivals["wave"].loops_per_round.value == pytest.approx(1)
    assert 0.3 < found.settled.value < 0.6
    assert 0 < found.num_cells < found.num_mazes * 25


def test_a_cell_settles_where_it_is_sure_to_the_end() -> None:
    confidence = np.array([[0.9, 0.1, 0.9], [0.9, 0.9, 0.9], [0.9, 0.9, 0.1], [0.1, 0.1, 0.8]], np.float32)
    assert settle_loops(confidence.T[None]).tolist() == [[3, 1, 0, 3]]


def test_too_few_mazes_that_settle_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="too few of 80 mazes"):
        compare_rivals(answers_of(np.full((len(MAZES), 49), LOOPS + 1.0)))
