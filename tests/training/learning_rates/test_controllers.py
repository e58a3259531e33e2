"""Controllers that decide every few steps: warm-up, bounds, delayed reward, resuming, learning, cost."""

import json
import math
import statistics
import time
from typing import Any

import numpy as np
import pytest

from maze_rl.configs.choices import read_choice
from maze_rl.configs.learning_rates import CONTROLLERS
from maze_rl.training.learning_rates.choose import controller
from maze_rl.training.learning_rates.interval import Interval, Reading
from maze_rl.training.learning_rates.safety import DivergenceGuard
from maze_rl.training.slots import Controller, Outcome, Stateful, Verdict

DECIDING = ("q_learning", "sham", "ucb", "exp3", "random", "plateau")


def make(text: str, seed: int = 0) -> Any:
    made = controller(read_choice("controller", CONTROLLERS, text), seed)
    assert isinstance(made, Controller)
    assert isinstance(made, Stateful)
    return made


def outcome(step: int, loss: float, held_out: float | None = None, norm: float = 1.0) -> Outcome:
    return Outcome(step, 100, loss, norm, 0.01, lambda: loss if held_out is None else held_out)


@pytest.mark.parametrize("name", DECIDING)
def test_the_warm_up_is_untouched_and_factors_stay_in_bounds(name: str, training: Any) -> None:
    course = training(make(f"{name}:every=2,lowest=0.3"), 1200, warmup=50).run(1200)
    assert course.multipliers[:51] == [1.0] * 51
    assert not course.records[49]
    assert all(0.3 <= multiplier <= 16 for multiplier in course.multipliers)
    if name != "sham":
        assert len(set(course.multipliers)) > 1 or name == "plateau"


@pytest.mark.parametrize("name", DECIDING)
def test_what_is_logged_is_the_factor_of_the_very_next_step(name: str, training: Any) -> None:
    course = training(make(f"{name}:every=10"), 400).run(400)
    assert len(course.decisions) == 38  # every 10 steps after the warm-up's 20
    for step in range(399):
        if course.records[step] and name != "sham":
            assert course.multipliers[step + 1] == course.records[step]["multiplier"]
        elif name != "sham":
            assert course.multipliers[step + 1] == course.multipliers[step] or step < 21


def test_a_sham_decides_as_q_learning_and_multiplies_by_one(training: Any) -> None:
    course = training(make("sham:epsilon=1,epsilon_end=1"), 600).run(600)
    assert set(course.multipliers) == {1.0}
    assert set(course.verdicts) == {Verdict.GO_ON}
    assert len({record["multiplier"] for record in course.decisions}) > 3
    assert not any(record["applied"] for record in course.decisions)
    same = training(make("q_learning:applied=false,epsilon=1,epsilon_end=1"), 600).run(600)
    assert same.decisions == course.decisions


@pytest.mark.parametrize("name", DECIDING)
def test_runs_repeat_and_resume_decision_by_decision(name: str, training: Any) -> None:
    straight = training(make(name, 5), 800)
    first = straight.run(500)
    stopped = training(make(name, 5), 800)
    assert stopped.run(503 - 3).decisions == first.decisions
    saved = json.loads(json.dumps(stopped.controller.state_dict(), allow_nan=False))
    stopped.controller = make(name, 99)
    stopped.controller.load_state_dict(saved)
    expected, resumed = straight.run(300), stopped.run(300)
    assert resumed.multipliers == expected.multipliers
    assert resumed.records == expected.records
    assert json.dumps(expected.records)  # rows of metrics.jsonl


def test_a_new_stretch_of_the_schedule_has_a_warm_up_of_its_own(training: Any) -> None:
    course = training(made := make("random:every=3"), 300)
    course.run(300)
    course.step = 0
    made.begin()
    assert course.run(300).multipliers[:21] == [1.0] * 21
    made.begin()
    assert made.multiplier() == 1.0  # however the stretch before ended


@pytest.mark.parametrize("name", ["q_learning", "ucb", "exp3", "plateau", "random"])
def test_what_a_decision_led_to_across_a_new_stretch_is_no_ones_to_pay(name: str, training: Any) -> None:
    """The loss of the next stretch is another one: what was known and learnt stays as it was at its first decision."""
    made = make(f"{name}:every=5")
    course = training(made, 200)
    course.run(120)
    policy = made.controller.policy if isinstance(made, DivergenceGuard) else made.policy
    known = {"table", "plays", "totals", "log_weights", "usual"}

    def learnt() -> dict[str, Any]:
        found = {key: value for key, value in policy.state_dict().items() if key in known}
        return {**found, "table": found["table"]["values"]} if "table" in found else found

    before = json.dumps(learnt())
    course.step = 0
    made.begin()
    after = course.run(25, lambda step: 40.0)
    assert [bool(record) for record in after.records].index(True) == 24  # the warm-up is left alone
    assert json.dumps(learnt()) == before
    assert after.decisions[0].get("reward", 0.0) == 0.0
    if name == "plateau":
        assert after.decisions[0]["best"] == pytest.approx(math.log(40))
    else:
        course.run(5, lambda step: 20.0)
        assert name == "random" or json.dumps(learnt()) != before  # the first decision of the stretch is paid


def test_the_reward_is_finite_at_first_and_comes_after_the_effect(training: Any) -> None:
    course = training(make("q_learning"), 1000).run(1000)
    assert course.decisions[0]["reward"] == 0
    assert all(math.isfinite(record["reward"]) for record in course.decisions)
    # one action that trebles the loss, then steps as before: only the decision after it is paid for it
    made = make("q_learning:every=5,epsilon=0,epsilon_end=0")
    course = training(made, 100, noise=0.02, warmup=0).run(100, lambda step: 2.0 if step < 51 else 6.0)
    rewards = [record["reward"] for record in course.decisions]
    assert min(range(len(rewards)), key=rewards.__getitem__) == [
        step for step, record in enumerate(course.records) if record
    ].index(55)


@pytest.mark.parametrize("best", [0, 1, -2])
def test_q_learning_comes_near_the_best_rate_of_a_made_up_training(best: int, training: Any) -> None:
    late, fallen, chance = [], [], []
    for seed in range(3):
        learnt = training(make("q_learning", seed), 1800, best=best, noise=0.03)
        late += map(math.log2, learnt.run(1800).multipliers[900:])
        drawn = training(make("random", seed), 1800, best=best, noise=0.03)
        drawn.run(1800)
        fallen.append(learnt.log_loss)
        chance.append(drawn.log_loss)
    assert abs(statistics.fmean(late) - best) < 0.8
    assert statistics.fmean(fallen) < statistics.fmean(chance) - 1


@pytest.mark.parametrize("noise", [0.03, 0.1])
def test_states_are_revisited_in_a_run_as_long_as_the_default(noise: float, training: Any) -> None:
    medians = []
    for seed in range(8):
        made = make("q_learning", seed)
        training(made, 900, noise=noise, warmup=90).run(900)
        medians.append(statistics.median(made.controller.policy.table.visits.values()))
    assert statistics.median(medians) >= 5


@pytest.mark.parametrize("name", ["ucb", "exp3"])
def test_bandits_come_to_play_the_best_arm_most(name: str) -> None:
    policy, random, multiplier, played = make(name).controller.policy, np.random.default_rng(0), 1.0, []
    gains = {0.25: -4.0, 0.5: -1.0, 1.0: 0.0, 2.0: 3.0, 4.0: -3.0}
    for _ in range(1500):
        gain = float(np.clip(gains[multiplier] + random.normal(), -5, 5))
        multiplier, _ = policy.decide(Reading(0.5, 0.0, gain, 1.0, False), multiplier)
        played.append(multiplier)
    assert set(played) == set(gains)
    assert played[-300:].count(2.0) > 150
    assert played[-300:].count(2.0) > 3 * played[:150].count(2.0)


def test_exp3_chances_follow_the_formula() -> None:
    policy = make("exp3").controller.policy
    policy._log_weights = [math.log(3.0), 0.0, 0.0, 0.0, 0.0]
    assert policy.chances == pytest.approx([0.9 * 3 / 7 + 0.02] + [0.9 / 7 + 0.02] * 4)


def test_plateau_lowers_the_rate_only_when_the_loss_stands(training: Any) -> None:
    falling = training(make("plateau:3,every=2"), 400, noise=0.0).run(400, lambda step: math.exp(-step / 100))
    assert set(falling.multipliers) == {1.0}
    standing = training(make("plateau:3,every=2"), 400, noise=0.0).run(60, lambda step: 1.0)
    assert standing.multipliers[-1] == 0.5**4  # 19 decisions, of which the first sets the mark and every 4th lowers it


def test_held_out_loss_counts_where_it_is_not_the_training_loss() -> None:
    calls = []

    def measured() -> float:
        calls.append(1)
        return 2.0

    interval = Interval(5)
    readings = [interval.add(Outcome(step, 100, 1.0 + step / 50, 1.0, 0.01, measured)) for step in range(5)]
    assert readings[:4] == [None] * 4
    assert readings[4] is not None
    assert readings[4].level == math.log(2.0)
    assert len(calls) == 1
    free = [interval.add(outcome(step, 4.0)) for step in range(5)]
    assert free[4] is not None
    assert free[4].level == pytest.approx(math.log(4.0))
    assert free[4].gain < 0


def test_a_held_out_loss_that_is_not_finite_is_a_divergence() -> None:
    interval = Interval(2)
    interval.add(outcome(0, 1.0))
    reading = interval.add(outcome(1, 1.0, held_out=math.nan))
    assert reading is not None
    assert (reading.gain, reading.unstable) == (-5.0, True)


def test_observing_costs_microseconds(training: Any) -> None:
    made, course = make("q_learning"), []
    for step in range(2000):
        course.append(outcome(step % 100, 2.0 + (step * 7 % 11) / 10))
    began = time.perf_counter()
    for seen in course:
        made.observe(seen)
    assert (time.perf_counter() - began) / 2000 < 0.0015  # 3 % of a step of 50 ms
