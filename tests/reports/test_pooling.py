"""Pooled rates and hazards, against sums done by hand."""

import pytest

from maze_rl.evaluation.results import Estimate, FirstErrorRow
from maze_rl.reports.pooling import join, pool, pooled_hazard


def rate(value: float, num: int) -> Estimate:
    return Estimate(value=value, low=0.0, high=1.0, num=num)


def errors(size: int, hazard: list[float], at_risk: list[int], constant: float) -> FirstErrorRow:
    return FirstErrorRow(
        size=size,
        num=at_risk[0],
        counts={},
        mean_relative_position=None,
        mean_look_ahead=None,
        hazard=hazard,
        at_risk=at_risk,
        constant_hazard=constant,
    )


def test_rates_are_weighted_by_their_mazes() -> None:
    pooled = pool([rate(1.0, 10), rate(0.5, 30), rate(float("nan"), 0)])
    assert pooled is not None
    assert (pooled.value, pooled.num) == (25 / 40, 40)
    # Wilson interval of 25 of 40
    assert (round(pooled.low, 4), round(pooled.high, 4)) == (0.4703, 0.7578)


def test_nothing_pooled_is_none() -> None:
    assert pool([]) is None
    assert pool([rate(float("nan"), 0)]) is None


def test_hazards_add_errors_and_steps_at_risk() -> None:
    rows = [errors(4, [0.1, 0.0], [100, 90], 10 / 190), errors(5, [0.2, 0.5, 0.0], [50, 40, 20], 30 / 110)]
    stretches = pooled_hazard(rows, num_stretches=3)
    assert [(each.first, each.last, each.errors, each.at_risk) for each in stretches] == [
        (0, 0, 20, 150),
        (1, 2, 20, 150),
    ]
    whole = join(stretches)
    assert (whole.first, whole.last, whole.errors, whole.at_risk) == (0, 2, 40, 300)
    assert whole.expected == pytest.approx(40), "each size's constant hazard reproduces its own total"


def test_no_rows_have_no_hazard() -> None:
    assert pooled_hazard([]) == []
