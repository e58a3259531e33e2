"""Schedules: closed forms, warm-up, and where they end."""

import math
from itertools import pairwise

import pytest

from maze_rl.training.learning_rates.schedules import SCHEDULE_FUNCTIONS, constant, linear, warmup_cosine, wsd


@pytest.mark.parametrize(("steps", "warmup"), [(900, 90), (17, 0), (100, 100)])
def test_constant_and_cosine_are_the_trainers_formulas_bit_for_bit(steps: int, warmup: int) -> None:
    for step in range(steps):
        rise = min(1.0, (step + 1) / max(warmup, 1))
        assert constant(step, steps, warmup) == rise
        assert warmup_cosine(step, steps, warmup) == rise * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def test_linear_falls_by_equal_steps_to_zero_after_the_last() -> None:
    values = [linear(step, 10, 0) for step in range(11)]
    assert values == pytest.approx([1 - step / 10 for step in range(11)])


@pytest.mark.parametrize(("shape", "half"), [("linear", 0.5), ("sqrt", 1 - math.sqrt(0.5))])
def test_wsd_rises_stays_and_falls_over_its_share(shape: str, half: float) -> None:
    values = [wsd(step, 100, 10, decay=0.2, shape=shape) for step in range(101)]
    assert values[0] == 0.1
    assert values[9:81] == [1.0] * 72
    assert values[90] == pytest.approx(half)
    assert values[100] == 0
    assert all(after < before for before, after in pairwise(values[80:]))


def test_wsd_takes_any_share() -> None:
    assert [wsd(step, 4, 0, decay=1.0) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]
    assert [wsd(step, 4, 0, decay=0.0) for step in range(4)] == [1.0] * 4


@pytest.mark.parametrize("name", SCHEDULE_FUNCTIONS)
def test_every_schedule_rises_over_the_warm_up(name: str) -> None:
    values = [SCHEDULE_FUNCTIONS[name](step, 1000, 50) for step in range(50)]
    assert values[0] == pytest.approx(0.02)
    assert all(after > before for before, after in pairwise(values))
