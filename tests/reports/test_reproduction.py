"""The command that a page gives makes that page, or none is given."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from maze_rl.reports.reproduction import report_command, reproduction_section
from maze_rl.reports.run_summary import RunSummary


@pytest.fixture(scope="module")
def runs(run_maker: Callable[..., RunSummary]) -> list[RunSummary]:
    return [run_maker(name, sizes=(5, 7), num=20, seed=0, steps=20) for name in ("x", "y")]


def measured(run: RunSummary, **changes: int) -> RunSummary:
    return replace(run, evaluation=replace(run.evaluation, **changes))  # type: ignore[arg-type]


def test_what_all_runs_share_is_in_the_command(runs: list[RunSummary]) -> None:
    assert report_command(runs) == "maze-rl report runs/x runs/y --sizes 5,7 --num 20 --seed 0"
    looped = [replace(run, loops=36) for run in runs]
    assert report_command(looped) == "maze-rl report runs/x runs/y --sizes 5,7 --num 20 --seed 0 --loops 36"
    given = [runs[0], replace(runs[1], folder=None)]
    assert report_command(given) == "maze_rl.report(['runs/x', model], sizes=[5, 7], num=20, seed=0)"


def test_sizes_and_numbers_in_which_runs_differ_are_left_out(runs: list[RunSummary]) -> None:
    first, second = runs
    fewer = replace(second, evaluation=replace(second.evaluation, rows=second.evaluation.rows[:1]))
    assert report_command([first, fewer]) == "maze-rl report runs/x runs/y --num 20 --seed 0"
    more = measured(second, num_per_size=30)
    assert report_command([first, more]) == "maze-rl report runs/x runs/y --sizes 5,7 --seed 0"
    given = replace(more, folder=None)
    assert report_command([first, given]) == "maze_rl.report(['runs/x', model], sizes=[5, 7], seed=0)"


def test_where_no_command_makes_the_report_the_page_says_so(runs: list[RunSummary]) -> None:
    for other in (measured(runs[1], seed=3), replace(runs[1], loops=36)):
        assert report_command([runs[0], other]) is None
        section = reproduction_section(other, "reproduction", [runs[0], other])
        assert "Report" not in [listing.title for listing in section.listings]
        assert "No one command makes this report" in section.lead.text
    section = reproduction_section(runs[0], "reproduction", runs)
    assert "Report" in [listing.title for listing in section.listings] and "No one command" not in section.lead.text
