"""Figures of success: by size, by path length, and the heat map of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maze_rl.evaluation.results import Estimate, EvaluationResult
from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge
from maze_rl.reports.names import baseline_kind, baseline_name
from maze_rl.reports.palette import RUN_COLOURS, light, ramp_level
from maze_rl.reports.pooling import FEWEST, baseline_names, reliable_lengths
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.success_tables import span
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES = {
    "oracle": ("reference-mid", (0, (1, 2)), 1.0),
    "manhattan": ("reference", (0, (5, 2)), 1.6),
    "random": ("reference-mid", (0, (2, 1.5)), 1.2),
    "look_ahead": ("reference-light", "solid", 1.0),
    "other": ("reference-mid", (0, (4, 1.5, 1, 1.5)), 1.2),
}


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Rates along an axis of sizes or of bins of lengths."""

    name: str
    places: Sequence[int]
    rates: Sequence[Estimate]
    colour: str
    """Name in the palette."""
    style: object = "solid"
    width: float = 2.2
    is_run: bool = False
    trained: Sequence[bool] = ()
    """Whether the run was trained on such mazes, at each place."""


def run_colour(index: int) -> str:
    """Return the name of the colour of the run at `index`."""
    return RUN_COLOURS[index % len(RUN_COLOURS)]


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
    figure, axes = _rate_axes(sizes, curves)
    _shade_training(axes, *({row.size for row in run.evaluation.rows if row.in_training_range} for run in runs))
    _draw_curves(axes, curves, sizes)
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
    figure, axes = _rate_axes(range(len(bins)), curves)
    trained = (
        {place[row.low, row.high] for row in reliable_lengths(run.evaluation) if row.in_training_range} for run in runs
    )
    _shade_training(axes, *trained)
    _draw_curves(axes, curves, range(len(bins)))
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
    return run.name if len(run.name) <= 24 else run.name[:23] + "…"


def _baseline(name: str, places: Sequence[int], rates: Sequence[Estimate]) -> Curve:
    colour, style, width = _STYLES[baseline_kind(name)]
    return Curve(name=baseline_name(name), places=places, rates=rates, colour=colour, style=style, width=width)


def _rate_axes(places: Sequence[int], curves: Sequence[Curve]) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 4.3))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.06, right=right_edge([curve.name for curve in curves], WIDTH), bottom=0.12, top=0.96)
    first, last = (min(places), max(places)) if len(places) else (0, 1)
    axes.set(xlim=(first - 0.5, last + 0.5), ylim=(0, 103), ylabel="shortest paths, % of mazes")
    axes.set_yticks(range(0, 101, 20))
    return figure, axes


def _shade_training(axes: "Axes", *trained: set[int]) -> None:
    """Shade the places seen in training where all runs agree on them."""
    places = sorted(trained[0])
    if not places or any(other != trained[0] for other in trained):
        return
    starts = [place for place in places if place - 1 not in places]
    ends = [place for place in places if place + 1 not in places]
    for start, end in zip(starts, ends, strict=True):
        axes.axvspan(start - 0.5, end + 0.5, facecolor=light("band"), edgecolor="none", zorder=0)
    axes.text(starts[0] - 0.42, 2, "seen in training", color=light("muted"), fontsize=8.5, va="bottom")


def _draw_curves(axes: "Axes", curves: Sequence[Curve], places: Sequence[int]) -> None:
    ends: list[EndLabel] = []
    for curve in curves:
        known = [(x, rate) for x, rate in zip(curve.places, curve.rates, strict=True) if rate.num]
        if not known:
            continue
        xs, values = [x for x, _ in known], [100 * rate.value for _, rate in known]
        colour = light(curve.colour)
        axes.plot(xs, values, color=colour, linestyle=curve.style, linewidth=curve.width, zorder=3 + curve.is_run)
        if curve.is_run or curve.width > 1.5:
            lows, highs = ([100 * getattr(rate, end) for _, rate in known] for end in ("low", "high"))
            axes.fill_between(xs, lows, highs, facecolor=colour, alpha=0.18, linewidth=0, zorder=2)
        if curve.is_run:
            _mark_points(axes, curve, colour)
        ends.append(
            EndLabel(
                x=xs[-1],
                y=values[-1],
                text=curve.name,
                bold=curve.is_run,
                colour=colour if curve.is_run else light("muted"),
            )
        )
    if len(places):
        label_ends(axes, ends, x=max(places) + 0.5)


def _mark_points(axes: "Axes", curve: Curve, colour: str) -> None:
    """Mark rates: filled where trained, hollow elsewhere, small on few mazes; each with its interval."""
    for x, rate, trained in zip(curve.places, curve.rates, curve.trained, strict=True):
        if rate.num:
            axes.plot([x, x], [100 * rate.low, 100 * rate.high], color=colour, linewidth=1.2, zorder=4)
            axes.plot(
                [x],
                [100 * rate.value],
                marker="o",
                markersize=5.5 if rate.num >= FEWEST else 3,
                color=colour,
                markerfacecolor=colour if trained else light("paper"),
                markeredgewidth=1.5,
                zorder=5,
            )


def heat_map(evaluation: EvaluationResult) -> "Figure":
    """Draw the rate of shortest paths by size and path length, with the number of mazes in every cell."""
    from matplotlib.figure import Figure

    sizes = sorted({cell.size for cell in evaluation.grid})
    spans = sorted({(cell.low, cell.high) for cell in evaluation.grid})
    figure = Figure(figsize=(WIDTH, 0.85 + 0.42 * max(1, len(spans))))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.075, right=0.99, bottom=0.55 / figure.get_figheight(), top=0.98)
    for cell in evaluation.grid:
        if cell.shortest.num:
            _draw_cell(axes, sizes.index(cell.size), spans.index((cell.low, cell.high)), cell.shortest)
    _outline_training(axes, evaluation, sizes, spans)
    axes.set(xlim=(-0.52, len(sizes) - 0.48), ylim=(-0.52, len(spans) - 0.48))
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    axes.set_yticks(range(len(spans)), [span(low, high) for low, high in spans])
    axes.set(xlabel="maze size, cells per side", ylabel="length of the shortest path, steps")
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _draw_cell(axes: "Axes", x: int, y: int, rate: Estimate) -> None:
    from matplotlib.patches import Rectangle

    level, enough = ramp_level(rate.value), rate.num >= FEWEST
    face, text = (f"ramp-{level}", f"on-ramp-{level}") if enough else ("void", "muted")
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=light(face), edgecolor="none"))
    axes.text(
        x - 0.04,
        y,
        _whole_percent(rate.value),
        ha="right",
        va="center_baseline",
        fontsize=10.5,
        color=light(text),
        fontweight="bold" if enough else "normal",
    )
    axes.text(x + 0.03, y, f"of {rate.num:,}", ha="left", va="center_baseline", fontsize=6.5, color=light(text))


def _whole_percent(share: float) -> str:
    """Write a share in whole percent; 0 and 100 stand for none and all alone."""
    percent = round(100 * share)
    if percent == 100 and share < 1:
        return ">99"
    return "<1" if percent == 0 and share > 0 else str(percent)


def _outline_training(
    axes: "Axes", evaluation: EvaluationResult, sizes: Sequence[int], spans: Sequence[tuple[int, int]]
) -> None:
    """Draw a line around the sizes and lengths seen in training, where they are one block."""
    trained = [index for index, size in enumerate(sizes) if size in evaluation.training_sizes]
    longest = evaluation.longest_training_path
    reached = [index for index, (low, _) in enumerate(spans) if longest is None or low <= longest]
    if not trained or not reached or trained != list(range(trained[0], trained[-1] + 1)):
        return
    left, right, top = trained[0] - 0.5, trained[-1] + 0.5, reached[-1] + 0.5
    axes.plot(
        [left, left, right, right, left], [-0.5, top, top, -0.5, -0.5], color=light("ink"), linewidth=1.3, zorder=4
    )
    axes.text(
        (left + right) / 2, top + 0.1, "seen in training", ha="center", va="bottom", fontsize=8.5, color=light("muted")
    )
