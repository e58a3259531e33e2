"""Grids of coloured cells with their numbers: heads by layers, layers by groups of positions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from maze_rl.reports.palette import light, ramp_level
from maze_rl.reports.vector_graphics import WIDTH, figure_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NUMBERED = 260
"""Cells beyond which numbers would not be read."""
_HEAD, _LAYER = 0.3, 0.21
"""Inches above a grid, and of one of its rows."""


def draw_grid(
    axes: "Axes",
    values: Float[ndarray, "row column"],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    diverging: bool = False,
    outlined: Bool[ndarray, "row column"] | None = None,
    numbered: bool = True,
) -> None:
    """Draw a grid on `axes`, the first row on top.

    Args:
        axes: Where to draw.
        values: From 0 to 1, or -1 to 1 where `diverging`; beyond that the colour stays, nan is left grey.
        rows: Their names.
        columns: Their names; long ones are written upwards.
        diverging: Whether the sign has a colour.
        outlined: Cells to draw a frame around.
        numbered: Whether to write the values, where there is room.
    """
    from matplotlib.patches import Rectangle

    numbered = numbered and values.size <= _MOST_NUMBERED
    for (row, column), value in np.ndenumerate(values):
        face, text = _colours(float(value), diverging)
        axes.add_patch(
            Rectangle((column - 0.47, row - 0.46), 0.94, 0.92, facecolor=light(face), edgecolor="none", zorder=1)
        )
        if outlined is not None and outlined[row, column]:
            axes.add_patch(
                Rectangle(
                    (column - 0.47, row - 0.46), 0.94, 0.92, fill=False, edgecolor=light("ink"), linewidth=1.6, zorder=3
                )
            )
        if numbered and np.isfinite(value):
            axes.text(
                column,
                row,
                short_number(float(value)),
                ha="center",
                va="center_baseline",
                fontsize=6.8,
                color=light(text),
                zorder=4,
            )
    axes.set(xlim=(-0.55, len(columns) - 0.45), ylim=(len(rows) - 0.45, -0.55))
    upright = max(map(len, columns), default=0) > 4
    axes.set_xticks(
        range(len(columns)),
        columns,
        rotation=40 if upright else 0,
        ha="right" if upright else "center",
        rotation_mode="anchor",
    )
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def short_number(value: float | int) -> str:
    """Write a value of a cell: two digits behind the point, without the leading 0."""
    if abs(value) < 0.005:
        return "0"
    if abs(value) >= 9.95:
        return f"{value:.0f}".replace("-", "−")
    text = f"{value:.2f}" if abs(value) < 0.995 else f"{value:.1f}"
    return text.replace("0.", ".", 1).replace("-", "−") if abs(value) < 0.995 else text.replace("-", "−")


def _colours(value: float | int, diverging: bool) -> tuple[str, str]:
    """Return the names of the face's and the text's colour."""
    if not np.isfinite(value):
        return "void", "muted"
    level = ramp_level((value + 1) / 2 if diverging else value)
    name = "diverging" if diverging else "ramp"
    return f"{name}-{level}", f"on-{name}-{level}"


def grid_figure(
    values: Float[ndarray, "row column"],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    width: float | int,
    labels: tuple[str, str],
    outlined: Bool[ndarray, "row column"] | None = None,
    diverging: bool = False,
) -> "Figure":
    """Draw one grid as a figure; `labels` name the columns' and the rows' axis."""
    from matplotlib.figure import Figure

    height = 0.62 + max(0.26 * len(rows), 0.9)
    figure = Figure(figsize=(width, height))
    axes = figure.subplots()
    left = (max(map(len, rows)) * 5.6 + 26) / (72 * width)
    figure.subplots_adjust(left=left, right=0.985, bottom=0.48 / height, top=0.97)
    draw_grid(axes, values, rows=rows, columns=columns, outlined=outlined, diverging=diverging)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    return figure


def grids_figure(
    grids: Mapping[str, Float[ndarray, "layer place"]],
    *,
    columns: Sequence[str],
    across: int = 2,
    width: float = WIDTH,
) -> "Figure":
    """Draw effects (-1 to 1) by layer, `across` grids in a row, each under its title; all have the same columns."""
    from matplotlib.figure import Figure

    titles = list(grids)
    rows = [titles[start : start + across] for start in range(0, len(titles), across)]
    foot = 0.2 + 0.052 * max(map(len, columns))
    total = foot + sum(_HEAD + _LAYER * max(len(grids[title]) for title in row) for row in rows)
    left = max(0.5, 0.052 * len(columns[0])) / width
    share = (1 - left) / across
    with figure_style():
        figure = Figure(figsize=(width, total))
        top = total
        for row in rows:
            for index, title in enumerate(row):
                values, tall = grids[title], _LAYER * len(grids[title])
                place = (left + share * index, (top - _HEAD - tall) / total, share - 0.25 / width, tall / total)
                axes = figure.add_axes(place)
                is_last = len(titles) - titles.index(title) <= across
                draw_grid(
                    axes,
                    values,
                    rows=[str(layer) for layer in range(len(values))],
                    diverging=True,
                    columns=columns if is_last else [""] * len(columns),
                )
                axes.set_title(title, fontsize=8.5, pad=3)
                axes.set_ylabel("layer" if index == 0 else "")
            top -= _HEAD + _LAYER * max(len(grids[title]) for title in row)
    return figure
