"""The guard: remembers healthy weights, goes back and halves on a divergence, and is not fooled by harder data."""

import json
import math
from typing import Any

import pytest

from maze_rl.training.learning_rates.safety import DivergenceGuard
from maze_rl.training.slots import Outcome, Verdict


class Fixed:
    """A controller that always multiplies by the same."""

    def __init__(self, factor: float) -> None:
        self.factor, self.seen = factor, list[Outcome]()

    def multiplier(self) -> float:
        return self.factor

    def observe(self, outcome: Outcome) -> Verdict:
        self.seen.append(outcome)
        return Verdict.GO_ON


def test_healthy_training_is_remembered_and_left_alone(training: Any) -> None:
    course = training(DivergenceGuard(Fixed(1.0)), 1000, noise=0.3).run(1000)
    assert course.verdicts[0] is Verdict.REMEMBER
    assert course.verdicts.count(Verdict.REMEMBER) == 50
    assert Verdict.GO_BACK not in course.verdicts
    assert set(course.multipliers) == {1.0}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_goes_back_and_halves(bad: float, training: Any) -> None:
    made = DivergenceGuard(Fixed(2.0))
    course = training(made, 400).run(150, lambda step: bad if step in (100, 130) else None)
    assert [step for step, verdict in enumerate(course.verdicts) if verdict is Verdict.GO_BACK] == [100, 130]
    assert course.multipliers[100:102] == [2.0, 1.0]
    assert course.multipliers[131] == 0.5
    assert course.records[100]["guard"] == "went back"


def test_a_gradient_that_is_not_finite_counts_too() -> None:
    made = DivergenceGuard(Fixed(1.0))
    made.observe(Outcome(0, 10, 1.0, 1.0, 0.1, lambda: 1.0))
    assert made.observe(Outcome(1, 10, 1.0, math.inf, 0.1, lambda: 1.0)) is Verdict.GO_BACK
    assert made.multiplier() == 0.5


def test_a_spike_goes_back_and_the_controller_learns_of_a_divergence(training: Any) -> None:
    inner = Fixed(1.0)
    course = training(DivergenceGuard(inner), 400, noise=0.05)
    went = course.run(
        110, lambda step: 40.0 if step >= 100 and all(seen.finite for seen in inner.seen) else None
    ).verdicts.index(Verdict.GO_BACK)
    assert 100 <= went <= 106
    assert not inner.seen[went].finite
    assert course.controller.multiplier() == 0.5


def test_harder_data_is_no_divergence(training: Any) -> None:
    """With the old weights the loss is as high: the halving is taken back, and there is no second alarm."""
    course = training(DivergenceGuard(Fixed(1.0)), 4000, noise=0.05)
    seen = course.run(300, lambda step: 20.0 + step % 2 if step >= 150 else None)
    assert seen.verdicts.count(Verdict.GO_BACK) == 1
    assert seen.multipliers[-1] == 1.0


def test_the_rate_comes_back_after_a_long_healthy_stretch(training: Any) -> None:
    course = training(DivergenceGuard(Fixed(1.0)), 4000, noise=0.05)
    seen = course.run(600, lambda step: math.nan if step == 100 else None).multipliers
    assert seen[101] == 0.5
    assert seen[-1] == 1.0


def test_gives_up_when_going_back_does_not_help(training: Any) -> None:
    course = training(DivergenceGuard(Fixed(1.0)), 4000).run(60, lambda step: math.nan if step >= 30 else None)
    assert course.verdicts[30:38] == [Verdict.GO_BACK] * 8
    assert course.verdicts[38] is Verdict.GO_ON  # the trainer ends with its error
    assert min(course.multipliers) == 1 / 16


def test_nothing_to_go_back_to_is_no_going_back() -> None:
    made = DivergenceGuard(Fixed(1.0))
    assert made.observe(Outcome(0, 10, math.nan, 1.0, 0.1, lambda: 1.0)) is Verdict.GO_ON


def test_spikes_of_the_warm_up_are_left_alone(training: Any) -> None:
    course = training(DivergenceGuard(Fixed(1.0), every=5), 400, warmup=100, noise=0.01)
    seen = course.run(95, lambda step: 30.0 if 50 <= step < 60 else None)
    assert Verdict.GO_BACK not in seen.verdicts
    assert set(seen.multipliers) == {1.0}


def test_state_goes_through_json(training: Any) -> None:
    def bad(step: int) -> float | None:
        return math.nan if step in (100, 160) else None

    straight, stopped = (training(DivergenceGuard(Fixed(1.0)), 400) for _ in range(2))
    straight.run(102, bad)
    stopped.run(102, bad)
    saved = json.loads(json.dumps(stopped.controller.state_dict(), allow_nan=False))
    stopped.controller = DivergenceGuard(Fixed(1.0))
    stopped.controller.load_state_dict(saved)
    expected, resumed = straight.run(200, bad), stopped.run(200, bad)
    assert (resumed.multipliers, resumed.verdicts) == (expected.multipliers, expected.verdicts)
