"""Figures of what was measured of trained models: verdicts as intervals, and rates by maze size or disturbance."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.configs.experiment import lower_is_better
from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge, short_name, text_points
from maze_rl.reports.palette import light
from maze_rl.reports.run_comparison.curve_figures import group_style
from maze_rl.reports.run_comparison.groups import Comparison, Group
from maze_rl.reports.run_comparison.verdicts import BETTER, NONE_SHOWN, WORSE, Verdict
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLACES = {
    "shortest": ("shortest paths, %", "maze size, cells per side"),
    "path_loss": ("path loss, nats per decision", "maze size, cells per side"),
    "adjacency_first": ("first token not of a path, %", "maze size, cells per side"),
    "noise_exact": ("paths without an error, %", "noise, share of each tensor's rms"),
    "slice_path_loss": ("path loss, nats per decision", "along random directions, share of each tensor's rms"),
}
"""Measure -> (title, axis) of the panels that are drawn; the third only where it happens."""
_SHORT = {NONE_SHOWN: "none shown"}
"""Verdicts as they stand beside a row."""
_WORD_SHARE = 57 / (72 * WIDTH)
"""The share of the figure's width that they take."""
_WORD_COLOURS = {BETTER: "green", WORSE: "vermillion"}


def measure_words(measure: str) -> str:
    """Say what a measure is: ``shortest@4`` -> ``shortest at 4, %``."""
    what, _, where = measure.partition("@")
    unit = "" if what.endswith("loss") else ", %"
    return what.replace("_", " ") + (f" at {where}" if where else "") + unit


def factor(measure: str) -> int:
    """Return 100 for a rate, 1 for a loss."""
    return 1 if measure.partition("@")[0].endswith("loss") else 100


def verdict_figure(comparison: Comparison, found: Sequence[Verdict]) -> "Figure":
    """Draw each judged measure in a row: the seeds of every group, and the intervals of the differences."""
    from matplotlib.figure import Figure

    measures = list(dict.fromkeys(verdict.measure for verdict in found))
    pairs = list(dict.fromkeys((verdict.arm, verdict.against) for verdict in found))
    lines = max(len(comparison.groups), len(pairs))
    row = 0.62 + 0.27 * lines
    height = row * len(measures) + 0.3
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.subplots(len(measures), 2, squeeze=False)
    names = [short_name(group.name) for group in comparison.groups]
    left, middle = _label_share(names), _label_share([_pair_name(*pair) for pair in pairs])
    figure.subplots_adjust(
        left=left,
        right=1 - _WORD_SHARE,
        bottom=0.42 / height,
        top=1 - 0.3 / height,
        hspace=0.62 / (row - 0.52),
        wspace=2 * middle / max(0.2, 1 - _WORD_SHARE - left - middle),
    )
    for (seeds, gaps), measure in zip(grid, measures, strict=True):
        _draw_seeds(seeds, comparison.groups, measure)
        _draw_gaps(gaps, [verdict for verdict in found if verdict.measure == measure])
    return figure


def _pair_name(arm: str, against: str) -> str:
    return f"{short_name(arm, 18)} − {short_name(against, 18)}"


def _label_share(labels: Sequence[str]) -> float:
    """Return the share of the figure's width that tick labels take."""
    return (max(map(text_points, labels), default=0.0) + 14) / (72 * WIDTH)


def _draw_seeds(axes: "Axes", groups: Sequence[Group], measure: str) -> None:
    for place, group in enumerate(groups):
        values = [factor(measure) * run.measures[measure] for run in group.runs if measure in run.measures]
        colour = group_style(place)[0]
        axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.35, markersize=4.5, markeredgewidth=0)
        if values:
            axes.plot([np.mean(values)] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=2.2)
    _rows(axes, [short_name(group.name) for group in groups])
    axes.set_title(measure_words(measure) + (" (lower is better)" if lower_is_better(measure) else ""), pad=6)
    axes.margins(x=0.06)


def _draw_gaps(axes: "Axes", found: Sequence[Verdict]) -> None:
    axes.axvline(0, color=light("axis"), linewidth=0.9, zorder=1)
    for place, verdict in enumerate(found):
        scale = factor(verdict.measure)
        colour = light(_WORD_COLOURS.get(verdict.word, "reference-mid"))
        if verdict.low is not None and verdict.high is not None:
            axes.plot(
                [scale * verdict.low, scale * verdict.high],
                [place] * 2,
                color=colour,
                linewidth=2.2,
                solid_capstyle="butt",
            )
        axes.plot([scale * verdict.difference], [place], "o", color=colour, markersize=5.5)
        said = _SHORT.get(verdict.word, verdict.word) if verdict.low is not None else "one seed"
        axes.annotate(
            said,
            (1, place),
            (5, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="left",
            va="center",
            fontsize=7.5,
            color=colour if verdict.word in _WORD_COLOURS else light("muted"),
        )
    _rows(axes, [_pair_name(verdict.arm, verdict.against) for verdict in found])
    axes.set_title("difference and its 95 % interval over seeds", pad=6)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0), max(high, 0) + 0.02 * (high - low))
    axes.margins(x=0.08)


def _rows(axes: "Axes", names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.locator_params(axis="x", nbins=5)  # more, and long numbers run into each other
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def places_figure(comparison: Comparison) -> "Figure | None":
    """Draw what was measured at several places, one panel per measure: the mean of the seeds with their range."""
    from matplotlib.figure import Figure

    tables = {name: places_of(comparison.groups, name) for name in PLACES}
    shown = [name for name, table in tables.items() if _is_worth_drawing(name, table)]
    if not shown:
        return None
    num_rows = -(-len(shown) // 2)
    height = 2.75 * num_rows + 0.3
    figure = Figure(figsize=(WIDTH, height))
    names = [short_name(group.name) for group in comparison.groups]
    room = 1 - right_edge(names, WIDTH)
    grid = figure.subplots(num_rows, 2, squeeze=False)
    figure.subplots_adjust(
        left=0.06,
        right=1 - room,
        bottom=0.5 / height,
        top=1 - 0.32 / height,
        hspace=0.42,
        wspace=2 * (room + 0.06) / max(0.2, 0.94 - 2 * room - 0.06),
    )
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    for axes, name in zip(grid.flat, shown, strict=False):
        _draw_places(axes, comparison.groups, name, tables[name])
    return figure


Places = Mapping[float, Mapping[str, list[float]]]


def places_of(groups: Sequence[Group], measure: str) -> Places:
    """Return place -> group -> the values of its seeds, for a measure such as ``shortest``."""
    found: dict[float, dict[str, list[float]]] = {}
    for group in groups:
        for run in group.runs:
            for name, value in run.measures.items():
                what, _, where = name.partition("@")
                if what == measure and where:
                    found.setdefault(float(where), {}).setdefault(group.name, []).append(value)
    return dict(sorted(found.items()))


def _is_worth_drawing(name: str, places: Places) -> bool:
    values = [value for groups in places.values() for seeds in groups.values() for value in seeds]
    return len(places) > 1 and (name != "adjacency_first" or max(values) >= 0.005)


def _draw_places(axes: "Axes", groups: Sequence[Group], name: str, places: Places) -> None:
    ends: list[EndLabel] = []
    last = max(places)
    for index, group in enumerate(groups):
        colour, style = group_style(index)
        where = [place for place in places if group.name in places[place]]
        if not where:
            continue
        values = [factor(name) * np.array(places[place][group.name]) for place in where]
        middle = [float(each.mean()) for each in values]
        axes.fill_between(
            where,
            [each.min() for each in values],
            [each.max() for each in values],
            facecolor=colour,
            alpha=0.13,
            linewidth=0,
        )
        axes.plot(where, middle, color=colour, linestyle=style, marker="o", markersize=3.5, linewidth=1.6)  # type: ignore[arg-type]
        ends.append(EndLabel(x=where[-1], y=middle[-1], text=short_name(group.name), colour=colour))
    title, axis = PLACES[name]
    axes.set_title(title, pad=6)
    axes.set_xlabel(axis)
    if all(float(place).is_integer() for place in places):
        axes.set_xticks([int(place) for place in places], [f"{place:g}" for place in places])
    axes.set_ylim(bottom=0, top=103 if factor(name) == 100 and axes.get_ylim()[1] > 60 else None)
    first = min(places)
    axes.set_xlim(first - 0.04 * (last - first), last + 0.02 * (last - first))
    label_ends(axes, ends, x=last + 0.02 * (last - first))
    axes.set_xlim(first - 0.04 * (last - first), last + 0.02 * (last - first))
