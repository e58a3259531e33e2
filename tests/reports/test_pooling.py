"""Pooled rates and hazards, against sums done by hand."""

from dataclasses import replace

import pytest

from maze_rl.evaluation.results import Estimate, FirstErrorRow
from maze_rl.intervals import wilson
from maze_rl.reports.pooling import error_counts, join, pool, pooled_hazard, reliable_lengths
from maze_rl.reports.run_summary import RunSummary


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


def test_pooled_rates_count_layouts() -> None:
    few = replace(rate(0.5, 100), layouts=10, effective=10.0)
    many = replace(rate(0.5, 100), layouts=100, effective=100.0)
    pooled = pool([few, many])
    assert pooled is not None
    # Design effects of 10 and 1, so 5.5 on average.
    assert (pooled.num, pooled.layouts, pooled.effective) == (200, 110, pytest.approx(200 / 5.5))
    assert pooled.low == pytest.approx(wilson(100 / 5.5, 200 / 5.5).low)
    uncounted = pool([few, rate(0.5, 100)])
    assert uncounted is not None
    assert (uncounted.layouts, uncounted.effective) == (None, None)
    single = pool([replace(few, layouts=1, effective=0.0)])
    assert single is not None
    assert single.effective == 1.0


def test_hazard_is_as_uncertain_as_its_layouts() -> None:
    row = errors(4, [0.1], [100], 0.1)
    (plain,), (counted,) = pooled_hazard([row]), pooled_hazard([replace(row, effective_share=0.2)])
    assert plain.estimate.low == pytest.approx(wilson(10, 100).low)
    assert counted.estimate.low == pytest.approx(wilson(2, 20).low)
    assert counted.estimate.value == plain.estimate.value == 0.1


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


def test_errors_are_counted_the_commonest_first(run: RunSummary) -> None:
    row = replace(run.evaluation.first_errors[0], counts={"none": 7, "wall": 60, "backtrack": 39, "missed_end": 1})
    evaluation = replace(run.evaluation, first_errors=[row])
    assert list(error_counts([evaluation]).items()) == [("wall", 60), ("backtrack", 39), ("missed_end", 1)]


def test_small_bins_of_lengths_are_left_out_unless_all_are_small(run: RunSummary) -> None:
    rows = [replace(run.evaluation.by_length[0], num=num) for num in (60, 49, 50)]
    assert [row.num for row in reliable_lengths(replace(run.evaluation, by_length=rows))] == [60, 50]
    assert reliable_lengths(replace(run.evaluation, by_length=rows[1:2])) == rows[1:2]
