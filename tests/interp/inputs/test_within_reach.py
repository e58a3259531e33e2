"""Choices within a reach are those a count by hand gives; unknown axes and cycles are refused."""

import numpy as np
import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.algorithm_clocks import either_rounds
from maze_rl.interp.inputs.decisions import find_decisions
from maze_rl.interp.inputs.within_reach import AXES, Axis, Within, steps_at
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=6)


@pytest.mark.parametrize("axis", AXES)
def test_choices_at_cells_are_within_as_those_of_walks_are(axis: Axis) -> None:
    batch = generate(6, "dfs", num=60, seed=2).batches[0]
    decisions = find_decisions(TOKENIZATION, batch)
    needed = steps_at(decisions, axis)
    first = np.array([needed[decisions.maze == maze][0] for maze in range(len(batch))])
    limit = int(np.median(first))
    found = Within(axis, limit).cells(batch, batch.origins)
    assert (found == (first <= limit)).all() and found.any() and not found.all()


def test_cells_that_do_not_know_the_way_back_need_no_fewer_steps() -> None:
    batch = generate(6, "dfs", num=20, seed=3).batches[0]
    decisions = find_decisions(TOKENIZATION, batch)
    assert (steps_at(decisions, "either") >= steps_at(decisions, "look_ahead")).all()
    assert (steps_at(decisions, "either") <= either_rounds(batch).max()).all()


def test_bad_limits_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="steps is 1: expected a whole number, at least 2"):
        Within("distance", 1)
    cyclic = find_decisions(TOKENIZATION, generate(6, "dfs_percolation", num=40, seed=4).batches[0])
    with pytest.raises(ConfigurationError, match="dead ends have a depth in mazes without cycles"):
        steps_at(cyclic, "dead_end_depth")
