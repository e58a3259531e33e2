"""The marks of a maze on a matplotlib Axes.

Bottom to top: distance field (pale near the target, brown far away; grey where there is no way), a band
along every shortest path, one shortest path as a line, forks (diamonds), dead ends (crosses). Hues keep
apart for colour-blind readers, and the field is ordered by lightness alone, so that it survives grey print.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.marks import Marks, optimal_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap


@dataclass(frozen=True, kw_only=True)
class MarkColours(Shown):
    """Colours of the marks, in any form matplotlib takes."""

    path: str = "#0072b2"
    band: str = "#a5d2f0"
    fork: str = "#d55e00"
    dead_end: str = "#7d8794"
    no_way: str = "#dfe3e8"
    ramp: tuple[str, ...] = ("#fffdf4", "#fdebc8", "#f7cd9c", "#e8a578", "#c9775c")
    """From the target to the farthest cell."""
    casing: str = "#ffffff"
    """Behind lines and signs that lie on the distance field."""
    ink: str = "#1c2430"
    text: str = "#5b6573"


def plot_marks(
    axes: Axes, maze: Maze, marks: Marks, *, cell_points: float, colours: MarkColours, farthest: int | None = None
) -> None:
    """Draw `marks` under and over the walls of `maze`.

    Args:
        axes: Where to draw; rows run downward, cells have side 1 around their centres.
        maze: The maze.
        marks: What to mark.
        cell_points: Width of a cell on paper in points.
        colours: Colours of the marks.
        farthest: Steps that the last colour of the field stands for; default those of this maze.
    """
    on_field = marks.distances is not None
    if marks.distances is not None:
        _plot_field(axes, maze, marks.distances, colours, farthest)
    width = min(0.5 * cell_points, 16.0)
    if marks.optimal is not None:
        if on_field:
            _plot_band(axes, maze, marks.optimal, colours.casing, 1.25 * width)
        _plot_band(axes, maze, marks.optimal, colours.band, width)
    if len(marks.solution):
        columns, rows = np.array([(col, row) for row, col in marks.solution], float).T
        width = path_width(cell_points)
        cased = [(colours.casing, 1.9 * width)] if on_field else []
        for colour, line_width in (*cased, (colours.path, width)):
            axes.plot(columns, rows, color=colour, linewidth=line_width, zorder=1.5, **_ROUND)
    dead_end = colours.ink if on_field else colours.dead_end
    for where, marker, colour in ((marks.forks, "D", colours.fork), (marks.dead_ends, "x", dead_end)):
        if where is not None:
            rows, columns = np.nonzero(where)
            size = min(0.26 * cell_points, 7.5)
            _plot_signs(axes, columns, rows, marker, size, colour, colours.casing, on_field)


_ROUND: dict[str, Any] = {"solid_capstyle": "round", "solid_joinstyle": "round"}


def path_width(cell_points: float) -> float:
    """Return the width of a path's line in points for a cell of that width."""
    return float(np.clip(0.2 * cell_points, 1.1, 4.5))


def field_colours(colours: MarkColours) -> Colormap:
    """Return the colour map of the distance field."""
    from matplotlib.colors import LinearSegmentedColormap

    ramp = LinearSegmentedColormap.from_list("maze_distance", list(colours.ramp))
    return ramp.with_extremes(bad=colours.no_way)


def _plot_field(axes: Axes, maze: Maze, distances: np.ndarray, colours: MarkColours, farthest: int | None) -> None:
    rows, cols = maze.shape
    most = max(1, int(distances.max()) if farthest is None else farthest)
    field = np.ma.masked_less(distances, 0)
    axes.pcolormesh(
        np.arange(cols + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        field,
        cmap=field_colours(colours),
        vmin=0,
        vmax=most,
        zorder=0,
        linewidth=0,
        rasterized=rows * cols > 400,
    )


def _plot_band(axes: Axes, maze: Maze, optimal: np.ndarray, colour: str, width: float) -> None:
    from matplotlib.collections import LineCollection

    down, right = optimal_steps(maze, optimal)
    steps = [((col, row), (col, row + 1)) for row, col in np.argwhere(down)]
    steps += [((col, row), (col + 1, row)) for row, col in np.argwhere(right)]
    axes.add_collection(LineCollection(steps, colors=colour, linewidths=width, capstyle="round", zorder=1))


def _plot_signs(
    axes: Axes, columns: np.ndarray, rows: np.ndarray, marker: str, size: float, colour: str, rim: str, cased: bool
) -> None:
    """Draw signs with a rim that sets them off from the lines and the field below."""
    edge = 0.14 * size + 0.3
    style: dict[str, Any] = {"linestyle": "", "marker": marker, "markersize": size}
    if marker != "x":
        axes.plot(columns, rows, color=colour, markeredgecolor=rim, markeredgewidth=0.7 * edge, zorder=3, **style)
        return
    if cased:
        axes.plot(columns, rows, color=rim, markeredgewidth=2.6 * edge, zorder=2.8, **style)
    axes.plot(columns, rows, color=colour, markeredgewidth=1.2 * edge, zorder=3, **style)
