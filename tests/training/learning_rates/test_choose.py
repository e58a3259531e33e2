"""Choosing schedules and controllers, one's own among them."""

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from maze_rl.configs.choices import Choice, read_choice
from maze_rl.configs.learning_rates import CONTROLLERS, SCHEDULES
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.training.learning_rates.choose import controller, schedule
from maze_rl.training.learning_rates.interval_controller import IntervalController
from maze_rl.training.learning_rates.safety import DivergenceGuard
from maze_rl.training.slots import Outcome, Verdict


class Twice:
    def __init__(self, by: int | float = 2, seed: int = 0) -> None:
        self.by, self.seed = by, seed

    def multiplier(self) -> float:
        return float(self.by)

    def observe(self, outcome: Outcome) -> Verdict:
        return Verdict.GO_ON


@pytest.fixture
def own() -> Iterator[None]:
    module: Any = types.ModuleType("own_rates")
    module.Twice = Twice
    module.half = lambda step, steps, warmup_steps, by=0.5: by * (step + 1) / steps
    module.text = lambda *_, **__: "much"
    module.negative = lambda *_: -1.0
    module.fails = lambda *_, **__: 1 / 0
    module.number = 3
    sys.modules["own_rates"] = module
    yield
    del sys.modules["own_rates"]


def read(slot: str, text: str) -> Choice:
    return read_choice(slot, CONTROLLERS if slot == "controller" else SCHEDULES, text)


def test_none_is_none() -> None:
    assert controller(read("controller", "none"), 0) is None


def test_those_that_may_raise_the_rate_are_guarded_and_shams_are_not() -> None:
    guarded = ("q_learning", "ucb", "exp3", "random", "ai_scientist_run3:applied=true")
    assert all(isinstance(controller(read("controller", name), 0), DivergenceGuard) for name in guarded)
    assert all(isinstance(controller(read("controller", name), 0), IntervalController) for name in ("sham", "plateau"))


@pytest.mark.usefixtures("own")
def test_ones_own_gets_its_options_and_the_seed() -> None:
    made: Any = controller(read("controller", "own_rates:Twice,by=3"), 7)
    assert (made.multiplier(), made.seed) == (3.0, 7)
    rate = schedule(read("schedule", "own_rates:half,by=0.25"))
    assert rate(0, 10, 0) == 0.025


def test_options_of_a_shipped_schedule_are_filled_in() -> None:
    assert schedule(read("schedule", "wsd:decay=0.5"))(75, 100, 0) == 0.5


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["own_rates:gone", "no_such_package.module:f", "own_rates:number"])
def test_what_cannot_be_imported_is_named(name: str) -> None:
    for chosen in (lambda: schedule(Choice(name, {})), lambda: controller(Choice(name, {}), 0)):
        with pytest.raises(ConfigurationError, match=name.split(":")[1]):
            chosen()


@pytest.mark.usefixtures("own")
def test_wrong_results_are_refused() -> None:
    for name, words in (("text", "much"), ("negative", "-1"), ("fails", "ZeroDivisionError")):
        with pytest.raises(ConfigurationError, match=words):
            schedule(Choice(f"own_rates:{name}", {}))(0, 10, 0)
    with pytest.raises(ConfigurationError, match="multiplier"):
        controller(Choice("own_rates:text", {}), 0)
    with pytest.raises(ConfigurationError, match="unexpected keyword"):
        controller(Choice("own_rates:Twice", {"size": 2}), 0)


def test_unknown_names_are_named() -> None:
    with pytest.raises(UnknownNameError, match="q_learning"):
        controller(Choice("q_lerning", {}), 0)
    with pytest.raises(UnknownNameError, match="wsd"):
        schedule(Choice("wds", {}))
