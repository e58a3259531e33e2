"""Runs are compared maze by maze where they walked the same mazes, and not at all where they did not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from maze_rl.evaluation.results import EvaluationResult
from maze_rl.intervals import paired_difference
from maze_rl.reports.comparison_readings import comparison_headline, comparison_reading, sizes_reading
from maze_rl.reports.paired_runs import paired_rates
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.success_tables import comparison_table, decision_table


@pytest.fixture(scope="module")
def runs(run_maker: Callable[..., RunSummary]) -> list[RunSummary]:
    return [run_maker(name, hazard=hazard) for name, hazard in (("good", 0.001), ("poor", 0.05))]


def test_the_interval_is_newcombes_over_all_mazes(runs: list[RunSummary]) -> None:
    good, poor = (run.evaluation for run in runs)
    found = paired_rates(poor, good)
    solved = [np.array([each == "1" for row in one.rows for each in row.solved]) for one in (poor, good)]
    expected = paired_difference(solved[0], solved[1], np.arange(len(solved[0])))
    assert found is not None and found.value < -0.1
    assert (found.value, found.low, found.high) == pytest.approx(expected[:3])


def test_mazes_of_one_layout_count_together(runs: list[RunSummary]) -> None:
    def with_layouts(evaluation: EvaluationResult) -> EvaluationResult:
        rows = [replace(row, layout_of=[place // 8 for place in range(row.num)]) for row in evaluation.rows]
        return replace(evaluation, rows=rows)

    good, poor = (run.evaluation for run in runs)
    alone, together = paired_rates(poor, good), paired_rates(with_layouts(poor), with_layouts(good))
    assert alone is not None and together is not None
    assert together.value == alone.value
    assert together.high - together.low > alone.high - alone.low


@pytest.mark.parametrize("change", ["digest", "not kept", "sizes"])
def test_what_is_not_the_same_test_is_not_compared(runs: list[RunSummary], change: str) -> None:
    good, poor = (run.evaluation for run in runs)
    if change == "digest":
        poor = replace(poor, maze_digest="others")
    elif change == "not kept":
        poor = replace(poor, rows=[replace(row, solved="") for row in poor.rows])
    assert paired_rates(poor, good, [99] if change == "sizes" else None) is None
    if change != "sizes":
        pair = [runs[0], replace(runs[1], evaluation=poor)]
        assert "interval" not in sizes_reading(pair).text and "Maze by maze" not in comparison_headline(pair).text
        assert "not paired" in comparison_reading(pair).text or "nothing is paired" in comparison_reading(pair).text
        assert "gap" not in [column.key for column in comparison_table(pair).columns]


def test_what_compares_runs_says_counts_and_paired_intervals(runs: list[RunSummary]) -> None:
    for said in (comparison_headline(runs).text, sizes_reading(runs).text):
        assert "Maze by maze, less good: poor −" in said and "points, paired 95% interval −" in said
        assert "mazes" in said
    column = next(column for column in comparison_table(runs).columns if column.key == "gap")
    assert (column.title, column.kind) == ("all sizes less good, points", "points")
    same = comparison_headline([runs[0], replace(runs[0], name="twin")]).text
    assert "twin +0.0 points" in same and "(no difference shown)" in same


@pytest.mark.parametrize(("algorithm", "shown"), [("dfs", False), ("wilson", False), ("dfs_percolation", True)])
def test_the_rollout_gap_stands_where_it_can_be_other_than_zero(
    runs: list[RunSummary], algorithm: str, shown: bool
) -> None:
    table = decision_table(replace(runs[0].evaluation, algorithm=algorithm))
    assert ("rollout_gap" in [column.key for column in table.columns]) is shown
