"""The reach of choices that are right up to some steps is found, along the axis that limits them; rules have none."""

import numpy as np
import pytest

from maze_rl.interp.behaviour.look_ahead import ideal_look_ahead
from maze_rl.interp.behaviour.reach import measure_reach
from maze_rl.interp.behaviour.simple_rules import manhattan, right_share
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.interp.inputs.within_reach import AXES, Axis, steps_at
from maze_rl.mazes.generate import generate
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.tokenization import load_tokenization


@pytest.fixture(scope="module")
def decisions() -> Decisions:
    return find_decisions(load_tokenization("edges", canvas=7), generate(7, "dfs", num=400, seed=1).batches[0])


def limited(decisions: Decisions, axis: Axis, steps: int) -> np.ndarray:
    """Return choices that are right within some steps, and those of the greedy rule beyond."""
    drawn = numpy_generator(0, "beyond").random(len(decisions)) < right_share(decisions, manhattan(decisions))
    return np.where(steps_at(decisions, axis) <= steps, True, drawn)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("steps", [4, 7])
def test_the_axis_and_the_steps_of_a_limit_are_found(decisions: Decisions, axis: Axis, steps: int) -> None:
    found = measure_reach(decisions, limited(decisions, axis, steps))
    assert (found.axis, found.steps, found.whole) == (axis, steps, False)


def test_who_is_always_right_has_no_end_of_reach(decisions: Decisions) -> None:
    found = measure_reach(decisions, np.ones(len(decisions), bool))
    assert found.whole and found.steps >= 8 and "at least" in found.text


def test_rules_and_draws_have_no_reach(decisions: Decisions) -> None:
    greedy = ideal_look_ahead(decisions, 0) > numpy_generator(1, "greedy").random(len(decisions))
    drawn = numpy_generator(2, "drawn").random(len(decisions)) < decisions.chance
    for choices in (greedy, drawn):
        found = measure_reach(decisions, choices)
        assert found.steps == 0 and not found.whole
