"""The foot of a picture of mazes: what its signs mean, and the scale of the distance field."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from maze_rl.mazes.pictures.mark_layers import MarkColours, field_colours
from maze_rl.mazes.pictures.marks import Marks

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_SIGN_WIDTH, _LETTER_WIDTH, _LINE_HEIGHT, _SCALE_HEIGHT = 0.42, 0.068, 0.2, 0.34
"""Inches."""


def legend_height(marks: Marks, width: float) -> float:
    """Return the inches that the legend of `marks` takes under a picture `width` inches wide."""
    lines = -(-len(_entries(marks, MarkColours())) // _columns(marks, width))
    return 0.12 + lines * _LINE_HEIGHT + (_SCALE_HEIGHT if marks.distances is not None else 0)


def add_legend(figure: Figure, marks: Marks, colours: MarkColours, farthest: int) -> None:
    """Explain origin, target and `marks` at the foot of `figure`.

    Args:
        figure: Where to write; `legend_height` inches at its foot are free.
        marks: The kinds of marks of the mazes above.
        colours: Their colours.
        farthest: Steps that the last colour of the distance field stands for.
    """
    width, height = figure.get_size_inches()
    bottom = _SCALE_HEIGHT if marks.distances is not None else 0
    figure.legend(
        handles=_entries(marks, colours),
        loc="lower center",
        bbox_to_anchor=(0.5, (0.06 + bottom) / height),
        ncols=_columns(marks, width),
        frameon=False,
        fontsize=8,
        labelcolor=colours.text,
        handlelength=1.5,
        handletextpad=0.4,
        columnspacing=1.4,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.45,
    )
    if marks.distances is not None:
        _add_scale(figure, colours, farthest)


def _columns(marks: Marks, width: float) -> int:
    """Return how many entries stand side by side: all, or as even rows as fit."""
    labels = [str(entry.get_label()) for entry in _entries(marks, MarkColours())]
    needed = sum(_SIGN_WIDTH + _LETTER_WIDTH * len(label) for label in labels)
    return max(1, -(-len(labels) // max(1, math.ceil(needed / width))))


def _entries(marks: Marks, colours: MarkColours) -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def sign(marker: str, label: str, **style: Any) -> Line2D:
        return Line2D([], [], linestyle="", marker=marker, label=label, markersize=5.5, **style)

    entries: list[Artist] = [
        sign("o", "origin", color=colours.ink, markerfacecolor="none", markeredgewidth=1.3),
        sign("s", "target", color=colours.ink),
    ]
    if len(marks.solution):
        entries.append(Line2D([], [], color=colours.path, linewidth=2.4, label="a shortest path"))
    if marks.optimal is not None:
        entries.append(Patch(facecolor=colours.band, label="all shortest paths"))
    if marks.forks is not None:
        entries.append(sign("D", "fork", color=colours.fork, markeredgewidth=0))
    if marks.dead_ends is not None:
        dead_end = colours.dead_end if marks.distances is None else colours.ink
        entries.append(sign("x", "dead end", color=dead_end, markeredgewidth=1.3))
    if marks.distances is not None and (marks.distances < 0).any():
        entries.append(Patch(facecolor=colours.no_way, label="no way to the target"))
    return entries


def _add_scale(figure: Figure, colours: MarkColours, farthest: int) -> None:
    """Draw the scale of the distance field: a bar with its ends written beside it."""
    width, height = figure.get_size_inches()
    long, label = min(1.8, 0.4 * width), f"{farthest} steps to the target"
    left = (width - long - _LETTER_WIDTH * len(label)) / 2
    axes = figure.add_axes((left / width, 0.12 / height, long / width, 0.1 / height))
    axes.imshow([list(range(64))], aspect="auto", cmap=field_colours(colours), extent=(0, 1, 0, 1))
    axes.set_axis_off()
    style: dict[str, Any] = {"va": "center", "fontsize": 8, "color": colours.text, "transform": axes.transAxes}
    axes.text(-0.03, 0.45, "0", ha="right", **style)
    axes.text(1.03, 0.45, label, ha="left", **style)
