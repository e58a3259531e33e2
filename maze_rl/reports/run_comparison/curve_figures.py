"""Figures of learning: what was recorded by tokens (logarithmic), and beside it the difference from one group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge
from maze_rl.reports.palette import RUN_COLOURS, light
from maze_rl.reports.run_comparison.groups import Comparison, Group
from maze_rl.reports.run_comparison.learning_curves import Curve, Quantity, curves, differences, recorded
from maze_rl.reports.training_figures import make_logarithmic
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS = 3
ROW_HEIGHT = 2.5
EARLY_SHARE = 0.02
"""Share of the tokens that the axis leaves out at its left, where every run is still the same."""


def group_style(index: int) -> tuple[str, object]:
    """Return colour and line style of the group at `index`; the colours come again dashed."""
    return light(RUN_COLOURS[index % len(RUN_COLOURS)]), ("solid", (0, (4, 1.6)))[index // len(RUN_COLOURS) % 2]


def learning_figure(comparison: Comparison) -> "Figure":
    """Draw up to three quantities, a row each: by tokens, and less the target's.

    Lines are means over the seeds. The band is the range of the seeds on the left, and on the right the 95 % interval
    of the mean of the differences seed by seed: over seeds, on one fixed set of mazes.
    """
    from matplotlib.figure import Figure

    groups = comparison.groups
    quantities = recorded(groups)[:MOST_ROWS]
    height = ROW_HEIGHT * len(quantities) + 0.55
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.subplots(len(quantities), 2, squeeze=False)
    names = [group.name for group in groups]
    figure.subplots_adjust(
        left=0.065, right=right_edge(names, WIDTH), bottom=0.5 / height, top=1 - 0.32 / height, wspace=0.17, hspace=0.32
    )  # fmt: skip
    for (left, right), quantity in zip(grid, quantities, strict=True):
        _draw_quantity(left, groups, quantity)
        if len(groups) > 1:
            _draw_differences(right, comparison, quantity)
        else:
            right.set_axis_off()  # a run less itself
    for axes in grid[-1]:
        axes.set_xlabel("tokens trained on")
    return figure


def _draw_quantity(axes: "Axes", groups: Sequence[Group], quantity: Quantity) -> None:
    found = curves(groups, quantity)
    _draw_curves(axes, found)
    own = quantity.is_loss and len({group.loss for group in groups}) > 1
    axes.set_title(quantity.title + (" (each arm's own loss)" if own else ""), pad=6)
    shown = np.concatenate([curve.low[_late(curve)] for curve in found])
    if quantity.logarithmic and np.nanmin(shown) > 0:
        make_logarithmic(axes, ticks=8)
    elif quantity.percent:
        axes.set_ylim(0, 103)
    _token_axis(axes, found)


def _draw_differences(axes: "Axes", comparison: Comparison, quantity: Quantity) -> None:
    found = differences(comparison.groups, comparison.target, quantity)
    axes.axhline(0, color=light("axis"), linewidth=0.8, zorder=1)
    _draw_curves(axes, found)
    better = "lower" if quantity.is_loss else "higher"
    axes.set_title(f"less that of {comparison.target.name} ({better} is better)", pad=6)
    _limit_differences(axes, found, 1.0 if quantity.percent else 1e-3)
    _token_axis(axes, found)
    labels = []
    for index, curve in enumerate(found):
        last = np.flatnonzero(np.isfinite(curve.mean))[-1]
        labels.append(
            EndLabel(
                x=float(np.log10(curve.tokens[last])), y=float(np.clip(curve.mean[last], *axes.get_ylim())),
                text=curve.group, colour=group_style(index)[0], bold=curve.group == comparison.target.name,
            )
        )  # fmt: skip
    label_ends(axes, labels, x=axes.get_xlim()[1])
    _token_axis(axes, found)


def _draw_curves(axes: "Axes", found: Sequence[Curve]) -> None:
    for index, curve in enumerate(found):
        colour, style = group_style(index)
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
