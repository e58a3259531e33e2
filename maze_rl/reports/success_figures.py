"""Figures of success: by size and by path length."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from maze_rl.evaluation.results import Estimate
from maze_rl.reports.direct_labels import short_name
from maze_rl.reports.names import baseline_kind, baseline_name
from maze_rl.reports.pooling import baseline_names, reliable_lengths
from maze_rl.reports.rate_lines import Curve, draw_curves, rate_axes, run_colour, shade_training
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.success_tables import span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = {
    "oracle": ("reference-mid", (0, (1, 2)), 1.0),
    "manhattan": ("reference", (0, (5, 2)), 1.6),
    "random": ("reference-mid", (0, (2, 1.5)), 1.2),
    "look_ahead": ("reference-light", "solid", 1.0),
    "other": ("reference-mid", (0, (4, 1.5, 1, 1.5)), 1.2),
}


def success_by_size(runs: Sequence[RunSummary]) -> "Figure":
    """Draw the rate of shortest paths by size: one line per run, the baselines of the first run in grey."""
    evaluation = runs[0].evaluation
    sizes = sorted({row.size for run in runs for row in run.evaluation.rows})
    curves = [
        _baseline(name, [row.size for row in evaluation.rows], [row.baselines[name] for row in evaluation.rows])
        for name in _drawn_baselines(baseline_names(evaluation))
    ]
    for index, run in enumerate(runs):
        rows = run.evaluation.rows
        curves.append(
            Curve(
                name=_line_name(run, runs),
                places=[row.size for row in rows],
                is_run=True,
                rates=[row.shortest for row in rows],
                colour=run_colour(index),
                trained=[row.in_training_range for row in rows],
            )
        )
    figure, axes = rate_axes(sizes, curves)
    shade_training(axes, *({row.size for row in run.evaluation.rows if row.in_training_range} for run in runs))
    draw_curves(axes, curves, sizes)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_xlabel("maze size, cells per side")
    return figure


def success_by_length(runs: Sequence[RunSummary]) -> "Figure":
    """Draw the rate of shortest paths by length of the shortest path, one line per run."""
    rows = reliable_lengths(runs[0].evaluation)
    bins = sorted({(row.low, row.high) for run in runs for row in reliable_lengths(run.evaluation)})
    place = {bounds: index for index, bounds in enumerate(bins)}
    names = [name for name in (rows[0].baselines if rows else ()) if all(name in row.baselines for row in rows)]
    places = [place[row.low, row.high] for row in rows]
    curves = [_baseline(name, places, [row.baselines[name] for row in rows]) for name in _drawn_baselines(names)]
    for index, run in enumerate(runs):
        own = reliable_lengths(run.evaluation)
        curves.append(
            Curve(
                name=_line_name(run, runs),
                places=[place[row.low, row.high] for row in own],
                is_run=True,
                rates=[row.shortest for row in own],
                colour=run_colour(index),
                trained=[row.in_training_range for row in own],
            )
        )
    figure, axes = rate_axes(range(len(bins)), curves)
    trained = (
        {place[row.low, row.high] for row in reliable_lengths(run.evaluation) if row.in_training_range} for run in runs
    )
    shade_training(axes, *trained)
    draw_curves(axes, curves, range(len(bins)))
    axes.set_xticks(range(len(bins)), [span(*bounds) for bounds in bins])
    axes.set_xlabel("length of the shortest path, steps")
    return figure


def _drawn_baselines(names: Sequence[str]) -> list[str]:
    """Leave out what would only lie on other lines: further oracles, and the plainest of several random walks."""
    left_out = {"dead_end_filling"} if "oracle" in names else set()
    if any("backtracking" in name for name in names):
        left_out.add("random_legal")
    return [name for name in names if name not in left_out]


def _line_name(run: RunSummary, runs: Sequence[RunSummary]) -> str:
    if len(runs) == 1:
        return "model"
    return short_name(run.name)


def _baseline(name: str, places: Sequence[int], rates: Sequence[Estimate]) -> Curve:
    colour, style, width = _STYLES[baseline_kind(name)]
    return Curve(name=baseline_name(name), places=places, rates=rates, colour=colour, style=style, width=width)
