"""Figures of what was measured of trained models: verdicts as intervals, and rates by maze size or disturbance."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.configs.experiment import lower_is_better
from maze_rl.reports.direct_labels import LABEL_SIZE, EndLabel, label_ends, right_edge, short_name, text_points
from maze_rl.reports.palette import light
from maze_rl.reports.run_comparison.curve_figures import group_style
from maze_rl.reports.run_comparison.groups import Comparison, Group
from maze_rl.reports.run_comparison.verdicts import BETTER, NONE_SHOWN, NOT_JUDGED, WORSE, Verdict, is_loss
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
_COLOURS = {BETTER: "green", WORSE: "vermillion"}
_PANELS = 4
"""Measures side by side."""


def difference_words(measure: str) -> str:
    """Say what a difference of a measure is: ``shortest@4`` -> ``shortest at 4, points``."""
    what, _, where = measure.partition("@")
    unit = "" if is_loss(measure) else ", points"
    return what.replace("_", " ") + (f" at {where}" if where else "") + unit


def factor(measure: str) -> int:
    """Return 100 for a rate, 1 for a loss."""
    return 1 if is_loss(measure) else 100


def verdict_figure(found: Sequence[Verdict]) -> "Figure":
    """Draw the differences of all pairs, a row each, and their intervals, a panel per measure."""
    from matplotlib.figure import Figure

    measures = list(dict.fromkeys(verdict.measure for verdict in found))
    pairs = list(dict.fromkeys((verdict.arm, verdict.against) for verdict in found))
    columns = min(_PANELS, len(measures))
    lines = -(-len(measures) // columns)
    height = lines * (0.72 + 0.2 * len(pairs)) + 0.34
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.subplots(lines, columns, squeeze=False)
    names = [_pair_name(*pair) for pair in pairs]
    figure.subplots_adjust(
        left=(max(map(text_points, names)) + 14) / (72 * WIDTH),
        right=0.99,
        bottom=0.66 / height,
        top=1 - 0.34 / height,
        hspace=0.72 / (0.2 * len(pairs)),
        wspace=0.1,
    )
    for place, axes in enumerate(grid.flat):
        if place < len(measures):
            _draw_gaps(axes, [verdict for verdict in found if verdict.measure == measures[place]], pairs)
            _rows(axes, names if place % columns == 0 else [""] * len(names))
        else:
            axes.set_axis_off()
    _draw_key(figure, height, found)
    return figure


def _pair_name(arm: str, against: str) -> str:
    return f"{short_name(arm, 18)} − {short_name(against, 18)}"


def _draw_gaps(axes: "Axes", found: Sequence[Verdict], pairs: Sequence[tuple[str, str]]) -> None:
    axes.axvline(0, color=light("axis"), linewidth=0.9, zorder=1)
    for verdict in found:
        place, scale = pairs.index((verdict.arm, verdict.against)), factor(verdict.measure)
        colour = _colour(verdict.word)
        if verdict.low is not None and verdict.high is not None:
            ends = [scale * verdict.low, scale * verdict.high]
            axes.plot(ends, [place] * 2, color=colour, linewidth=2.0, solid_capstyle="butt", alpha=0.55)
        each = [scale * difference for difference in verdict.differences]
        axes.plot(each, [place] * len(each), "|", color=colour, markersize=6, markeredgewidth=0.9)
        axes.plot([scale * verdict.difference], [place], "o", color=colour, markersize=4.5, markeredgewidth=0)
    measure = found[0].measure
    axes.set_title(difference_words(measure) + ("\n(lower is better)" if lower_is_better(measure) else ""), pad=6)
    axes.margins(x=0.08)


def _colour(word: str) -> str:
    return light(_COLOURS.get(word, "reference-mid"))


def _draw_key(figure: "Figure", height: float, found: Sequence[Verdict]) -> None:
    """Say below the panels what colours and marks are."""
    words = [word for word in (BETTER, WORSE, NONE_SHOWN, NOT_JUDGED) if any(each.word == word for each in found)]
    marks = "mean of the seeds; line: its 95 % interval; strokes: seeds"
    left, points = 0.01, 72 * WIDTH
    for text, colour in [*((f"● {word}", _colour(word)) for word in words), (marks, light("muted"))]:
        figure.text(left, 0.1 / height, text, color=colour, fontsize=LABEL_SIZE)
        left += (text_points(text) + 14) / points


def _rows(axes: "Axes", names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.locator_params(axis="x", nbins=4)  # more, and long numbers run into each other
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
