"""A figure of rows: a name, a point, its interval; the plain way to show a measure beside its controls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maze_rl.displays.short_repr import Shown
from maze_rl.intervals import Interval
from maze_rl.reports.palette import light
from maze_rl.reports.search.stated import is_known
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class IntervalRow(Shown):
    """One row."""

    name: str
    interval: Interval
    """Not finite where nothing was measured: the row says so."""
    colour: str = "reference-mid"
    """Name in the palette; measures are coloured, controls grey."""
    bold: bool = False
    tick: float | int | None = None
    """A further value to mark by a tick."""
    gap_before: bool = False
    """Whether to leave half a row of room above."""


def interval_rows(
    rows: Sequence[IntervalRow],
    *,
    label: str,
    limits: tuple[float | int, float | int] | None = None,
    width: float | int = WIDTH,
    marks: Sequence[tuple[float | int, str]] = (),
) -> "Figure":
    """Draw rows from top to bottom.

    Args:
        rows: What to draw.
        label: Of the axis.
        limits: Of the axis; None follows the data.
        width: Inches.
        marks: Upright lines: (where, what is written above).
    """
    from matplotlib.figure import Figure

    places, y = [], 0.0
    for row in rows:
        y += 1.5 if row.gap_before and places else 1.0
        places.append(y)
    top = 0.3 if marks else 0.12
    height = 0.26 * (y + 0.4) + 0.5 + top
    figure = Figure(figsize=(width, height))
    axes = figure.subplots()
    longest = max((len(row.name) for row in rows), default=0)
    figure.subplots_adjust(
        left=min(0.62, (longest * 5.6 + 14) / (72 * width)), right=0.97, bottom=0.5 / height, top=1 - top / height
    )
    for row, place in zip(rows, places, strict=True):
        _draw(axes, row, place)
    if limits:
        axes.set_xlim(*limits)
    for x, text in marks:
        axes.axvline(x, color=light("reference"), linewidth=1.0, linestyle=(0, (4, 2)), zorder=1)
        axes.annotate(
            text,
            (x, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=light("muted"),
        )
    axes.set(ylim=(y + 0.7, 0.3), xlabel=label)
    axes.set_yticks(places, [row.name for row in rows])
    for text, row in zip(axes.get_yticklabels(), rows, strict=True):
        text.set(color=light("ink" if row.bold else "muted"), fontweight="bold" if row.bold else "normal")
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    return figure


def _draw(axes: "Axes", row: IntervalRow, y: float | int) -> None:
    colour = light(row.colour)
    if row.tick is not None:
        axes.plot([row.tick] * 2, [y - 0.32, y + 0.32], color=light("ink"), linewidth=1.4, zorder=4)
    if not is_known(row.interval):
        axes.annotate(
            "not measured",
            (0, y),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            fontsize=8,
            textcoords="offset points",
            color=light("muted"),
            va="center",
        )
        return
    axes.plot(
        [row.interval.low, row.interval.high], [y, y], color=colour, linewidth=2.2, solid_capstyle="round", zorder=3
    )
    axes.plot([row.interval.value], [y], marker="o", markersize=7 if row.bold else 5.5, color=colour, zorder=5)
