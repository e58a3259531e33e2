"""Figures of learning: what was recorded by tokens (logarithmic), and beside it the difference from one group."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge, short_name, text_points
from maze_rl.reports.palette import RUN_COLOURS, light
from maze_rl.reports.run_comparison.groups import Comparison, Group
from maze_rl.reports.run_comparison.learning_curves import Curve, Quantity, curves, differences, having, recorded
from maze_rl.reports.training_figures import make_logarithmic
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEWEST_ROWS = 3
"""Rows below which what was recorded of the training batches is drawn too."""
ROW_HEIGHT = 2.6
GAP = 0.075
"""Share of the figure's width between the panels, for the numbers of the right one."""
LETTER = 5.6
"""Points that a letter of a title takes."""
EARLY_SHARE = 0.02
"""Share of the tokens that the axis leaves out at its left, where every run is still the same."""


def group_style(index: int) -> tuple[str, object]:
    """Return colour and line style of the group at `index`; the colours come again dashed."""
    return light(RUN_COLOURS[index % len(RUN_COLOURS)]), ("solid", (0, (4, 1.6)))[index // len(RUN_COLOURS) % 2]


def shown_quantities(groups: Sequence[Group]) -> list[Quantity]:
    """Return what is drawn: all losses and the validation, and where these are few the accuracies in training."""
    found = recorded(groups)
    main = [each for each in found if each.key != "accuracy"]
    return main + [each for each in found if each.key == "accuracy"][: max(0, FEWEST_ROWS - len(main))]


def learning_figure(comparison: Comparison) -> "Figure":
    """Draw each quantity in a row: by tokens, and less the target's.

    Lines are means over the seeds. The band is the range of the seeds on the left, and on the right the 95 % interval
    of the mean of the differences seed by seed: over seeds, on one fixed set of mazes. Losses of unlike kinds have
    rows of their own.
    """
    from matplotlib.figure import Figure

    groups = comparison.groups
    quantities = shown_quantities(groups)
    names = [group.name for group in groups]
    short = [short_name(name) for name in names]
    across = max(1, int(72 * (WIDTH - 0.6) / (max(map(text_points, names)) + 34)))
    key_lines = -(-len(names) // across) if len(names) > 1 else 0
    height = ROW_HEIGHT * len(quantities) + 0.55 + 0.22 * key_lines
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.subplots(len(quantities), 2, squeeze=False)
    right = right_edge(short, WIDTH) if len(names) > 1 else 0.985
    panel = (right - 0.065 - GAP) / 2
    figure.subplots_adjust(
        left=0.065,
        right=right,
        bottom=0.5 / height,
        top=1 - (0.44 + 0.22 * key_lines) / height,
        wspace=GAP / panel,
        hspace=0.5,
    )
    if key_lines:
        _write_key(figure, names, across)
    colours = {name: group_style(index) for index, name in enumerate(names)}
    for (left, right), quantity in zip(grid, quantities, strict=True):
        _draw_quantity(left, groups, quantity, colours)
        _draw_differences(right, comparison, quantity, colours)
    for axes in grid[-1]:
        axes.set_xlabel("tokens trained on")
    return figure


Colours = Mapping[str, tuple[str, object]]


def _write_key(figure: "Figure", names: Sequence[str], across: int) -> None:
    """Name the groups above the panels, each beside its line."""
    from matplotlib.lines import Line2D

    handles = []
    for index, name in enumerate(names):
        colour, style = group_style(index)
        handles.append(Line2D([], [], color=colour, linestyle=style, linewidth=1.8, label=name))  # type: ignore[arg-type]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.06, 1.0),
        ncols=min(across, len(names)),
        frameon=False,
        fontsize=8.5,
        labelcolor=light("ink"),
        handlelength=1.6,
        columnspacing=1.4,
        handletextpad=0.5,
        borderpad=0.2,
    )


def _draw_quantity(axes: "Axes", groups: Sequence[Group], quantity: Quantity, colours: Colours) -> None:
    found = curves(groups, quantity)
    _draw_curves(axes, found, colours)
    _write_title(axes, quantity.title)
    shown = np.concatenate([curve.low[_late(curve)] for curve in found])
    if quantity.logarithmic and len(shown) and np.nanmin(shown) > 0:
        make_logarithmic(axes, ticks=8)
    elif quantity.percent:
        axes.set_ylim(0, 103)
    _token_axis(axes, found)


def _write_title(axes: "Axes", text: str) -> None:
    """Write a title over as many lines as its panel needs."""
    letters = int(72 * WIDTH * axes.get_position().width / LETTER)
    axes.set_title("\n".join(wrap(text, letters)), pad=6)


def _draw_differences(axes: "Axes", comparison: Comparison, quantity: Quantity, colours: Colours) -> None:
    found = differences(comparison.groups, comparison.target, quantity)
    if len(found) < 2:  # a group less itself
        _say_why(axes, comparison, quantity)
        return
    axes.axhline(0, color=light("axis"), linewidth=0.8, zorder=1)
    _draw_curves(axes, found, colours)
    better = f" ({quantity.direction})" if quantity.direction else ""
    _write_title(axes, f"less that of {short_name(comparison.target.name)}{better}")
    _limit_differences(axes, found, 1.0 if quantity.percent else 1e-3)
    _token_axis(axes, found)
    labels = []
    target = comparison.target.name
    for curve in found:
        last = np.flatnonzero(np.isfinite(curve.mean))
        if not len(last):
            continue
        labels.append(
            EndLabel(
                x=float(np.log10(curve.tokens[last[-1]])),
                y=float(np.clip(curve.mean[last[-1]], *axes.get_ylim())),
                text=short_name(curve.group),
                colour=colours[curve.group][0],
                bold=curve.group == target,
            )
        )
    label_ends(axes, labels, x=axes.get_xlim()[1])
    _token_axis(axes, found)


def _say_why(axes: "Axes", comparison: Comparison, quantity: Quantity) -> None:
    """Leave a panel without differences empty, and say why."""
    axes.set_axis_off()
    if len(comparison.groups) > 1:
        named = ", ".join(group.name for group in having(comparison.groups, quantity))
        words = "\n".join(wrap(f"only {named} has a loss of this kind: there is no difference to draw", 44))
        if len(having(comparison.groups, quantity)) > 1:
            words = f"{comparison.target.name} has no loss of this kind:\nthere is no difference from it"
        place = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, words, color=light("muted"), fontsize=8.5, **place)


def _draw_curves(axes: "Axes", found: Sequence[Curve], colours: Colours) -> None:
    for curve in found:
        colour, style = colours[curve.group]
        places = np.log10(curve.tokens)
        axes.fill_between(places, curve.low, curve.high, facecolor=colour, alpha=0.13, linewidth=0)
        axes.plot(places, curve.mean, color=colour, linestyle=style, linewidth=1.5)  # type: ignore[arg-type]


def _late(curve: Curve) -> np.ndarray:
    """Tell which points the axis shows."""
    return (curve.tokens >= EARLY_SHARE * curve.tokens[-1]) & np.isfinite(curve.mean)


def _limit_differences(axes: "Axes", found: Sequence[Curve], least: float) -> None:
    """Set the limits by the means, and by the bands only as far as three times that: few seeds make wide bands."""
    means = np.concatenate([curve.mean[_late(curve)] for curve in found])
    ends = np.concatenate([[*curve.low[_late(curve)], *curve.high[_late(curve)]] for curve in found])
    reach = max(float(np.nanmax(np.abs(means), initial=0)), least)
    low = max(float(np.nanmin(ends, initial=-least)), -3 * reach)
    high = min(float(np.nanmax(ends, initial=least)), 3 * reach)
    room = 0.06 * (high - low)
    axes.set_ylim(low - room, high + room)


def _token_axis(axes: "Axes", found: Sequence[Curve]) -> None:
    """Mark the axis, which holds logarithms to the base of ten, with the counts they stand for."""
    last = max(float(curve.tokens[-1]) for curve in found)
    first = EARLY_SHARE * last
    decades = range(int(np.floor(np.log10(first))), int(np.ceil(np.log10(last))) + 1)
    marks = [step * 10.0**decade for decade in decades for step in (1, 2, 5) if first <= step * 10.0**decade <= last]
    axes.set_xticks(np.log10(marks), [count_text(mark) for mark in marks])
    axes.set_xlim(float(np.log10(first)), float(np.log10(last)))


def count_text(value: float | int) -> str:
    """Write a count shortly: ``20 k``, ``1.5 M``."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"
