"""Matched comparisons compare within strata alone, and with the weights they say."""

from dataclasses import replace

import pytest

from maze_rl.evaluation.results import AlgorithmRow, Estimate, GridCell
from maze_rl.intervals import wilson
from maze_rl.reports.matched import larger_size, longer_path, matched_comparisons, matched_reading, other_algorithms
from maze_rl.reports.run_summary import RunSummary


def cell(size: int, low: int, right: int, num: int) -> GridCell:
    value, below, above = wilson(right, num)
    return GridCell(size=size, low=low, high=low + 3, shortest=Estimate(value=value, low=below, high=above, num=num))


GRID = [cell(5, 1, 90, 100), cell(5, 5, 80, 100), cell(9, 1, 35, 50), cell(9, 5, 10, 100), cell(9, 9, 0, 100)]


@pytest.fixture
def evaluation(run: RunSummary):
    wilson_rows = AlgorithmRow(
        algorithm="wilson",
        size=9,
        trained_on=False,
        in_training_range=False,
        shortest=cell(9, 1, 1, 2).shortest,
        manhattan=cell(9, 1, 1, 2).shortest,
        by_length=[cell(9, 1, 50, 50), cell(9, 5, 9, 9), cell(9, 13, 40, 40)],
    )
    return replace(run.evaluation, grid=GRID, training_sizes=[5], algorithm="dfs", by_algorithm=[wilson_rows])


def test_larger_sizes_are_compared_at_equal_length(evaluation) -> None:
    found = larger_size(evaluation)
    assert found is not None and found.strata == 2, "no trained maze has 9 steps"
    weights = [100 * 50 / 150, 100 * 100 / 200]
    expected = (weights[0] * (0.7 - 0.9) + weights[1] * (0.1 - 0.8)) / sum(weights)
    assert found.difference.value == pytest.approx(expected)
    assert found.difference.num == 350
    assert found.difference.low < expected < found.difference.high < 0
    assert (found.first.value, found.second.value) == (170 / 200, 45 / 150)


def test_one_stratum_has_newcombes_interval(evaluation) -> None:
    """Newcombe 1998, table II, example (b): 9 of 10 against 3 of 10, method 10: 0.1705 to 0.8090."""
    grid = [cell(5, 1, 3, 10), cell(9, 1, 9, 10)]
    found = larger_size(replace(evaluation, grid=grid))
    assert found is not None
    assert found.difference.value == pytest.approx(0.6)
    assert (found.difference.low, found.difference.high) == pytest.approx((0.1705, 0.8090), abs=1e-4)


def test_longer_paths_are_compared_at_equal_size(evaluation) -> None:
    found = longer_path(evaluation)
    assert found is not None and found.strata == 2
    weights = [100 * 100 / 200, 50 * 100 / 150]  # of three bins the middle one is on no side
    assert found.difference.value == pytest.approx((weights[0] * -0.1 + weights[1] * -0.7) / sum(weights))


def test_algorithms_are_compared_at_equal_size_and_length(evaluation) -> None:
    (found,) = other_algorithms(evaluation)
    assert found.strata == 1, "one stratum has nine mazes, of another there are none of the evaluation's own"
    assert found.difference.value == pytest.approx(1.0 - 0.7)
    reading = matched_reading(matched_comparisons(evaluation)).text
    assert "Mazes of wilson at equal size and path length: +30.0 points" in reading
    assert reading.count("shown") == 3


def test_without_mazes_to_match_nothing_is_said(evaluation) -> None:
    alone = replace(evaluation, grid=GRID[:1], by_algorithm=[])
    assert matched_comparisons(alone) == []
    unknown = replace(evaluation, training_sizes=[])
    assert larger_size(unknown) is None
