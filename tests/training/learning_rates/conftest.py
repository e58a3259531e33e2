"""A made-up training whose speed depends on the learning rate."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from maze_rl.training.learning_rates.schedules import constant
from maze_rl.training.slots import Controller, Outcome, Verdict


@dataclass
class Course:
    """What happened: a factor, a verdict and a record per step."""

    multipliers: list[float] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def decisions(self) -> list[dict[str, Any]]:
        return [record for record in self.records if record]


class Training:
    """The log-loss falls fastest where log2(factor) is `best`; noise is drawn per step."""

    def __init__(
        self, controller: Controller, steps: int, best: float = 0.0, noise: float = 0.1, warmup: int = 20
    ) -> None:
        self.controller, self.steps, self.best, self.noise, self.warmup = controller, steps, best, noise, warmup
        self.random, self.log_loss, self.step = np.random.default_rng(3), math.log(3.5), 0

    def run(self, steps: int, loss: Callable[[int], float | None] = lambda step: None) -> Course:
        """Take steps; `loss` may say what the loss of a step is."""
        course = Course()
        for _ in range(steps):
            multiplier = self.controller.multiplier()
            self.log_loss -= 5.4 / self.steps * max(-1, 1 - ((math.log2(multiplier) - self.best) / 2) ** 2)
            drawn, given = math.exp(self.log_loss + self.noise * self.random.standard_normal()), loss(self.step)
            value = drawn if given is None else given
            rate = 0.01 * constant(self.step, self.steps, self.warmup) * multiplier
            outcome = Outcome(self.step, self.steps, value, 1.0, rate, lambda value=value: value)
            course.multipliers.append(multiplier)
            course.verdicts.append(self.controller.observe(outcome))
            course.records.append(dict(getattr(self.controller, "record", {})))
            self.step += 1
        return course


@pytest.fixture
def training() -> type[Training]:
    return Training
