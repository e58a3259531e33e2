"""Mazes as pictures: one maze on a matplotlib Axes, or a gallery; matplotlib is imported when one is drawn.

A shortest path is a wide pale band; a walk is a thin line over it that changes colour at its first step off
every shortest path and ends in a cross where it did not arrive. Origin: ring. Target: filled square.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.pictures.mark_layers import MarkColours, plot_marks
from maze_rl.mazes.pictures.marks import Marks
from maze_rl.mazes.pictures.picture_legend import add_legend, legend_height
from maze_rl.mazes.solve import Solution, solve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class MazeColours(Shown):
    """Colours of the parts of a maze picture, in any form matplotlib takes."""

    wall: str = "#1c2430"
    solution: str = "#c3c9d1"
    walk: str = "#0072b2"
    wrong: str = "#d55e00"
    text: str = "#5b6573"
    marks: MarkColours = field(default_factory=MarkColours)


@dataclass(frozen=True, kw_only=True)
class GalleryItem(Shown):
    """One maze of a gallery."""

    maze: Maze
    title: str = ""
    solution: Sequence[Cell] = ()
    """A shortest path to show; empty for none."""
    walk: Sequence[Cell] | None = None
    """The path a model walked; None for none."""
    marks: Marks | None = None
    """What else to mark; None for nothing."""


def first_wrong_step(maze: Maze, walk: Sequence[Cell]) -> int | None:
    """Return the index in `walk` of the first cell that no shortest path would have there, or None.

    A walk that merely stops too early has no wrong cell.
    """
    solution = solve(maze)
    assert isinstance(solution, Solution)
    cells = [(int(row), int(col)) for row, col in walk]
    if cells and cells[0] != maze.origin:
        return 0
    for index, (cell, next_cell) in enumerate(pairwise(cells), 1):
        if next_cell not in solution.optimal_next(cell):
            return index
    return None


def plot_maze(
    axes: Axes,
    maze: Maze,
    *,
    solution: Sequence[Cell] = (),
    walk: Sequence[Cell] | None = None,
    marks: Marks | None = None,
    colours: MazeColours | None = None,
    cell_points: float = 14.0,
    farthest: int | None = None,
) -> None:
    """Draw a maze on `axes`, with equal aspect and no ticks.

    Args:
        axes: Where to draw.
        maze: What to draw.
        solution: A shortest path, drawn as a band.
        walk: A model's path, drawn as a line; it may leave the grid or cross walls.
        marks: Further marks.
        colours: Colours of the parts.
        cell_points: Width of a cell on paper in points; line widths follow it.
        farthest: Steps that the last colour of a distance field stands for; default those of this maze.
    """
    colours = colours or MazeColours()
    thin = min(max(cell_points / 10, 0.6), 1.6)
    if marks is not None:
        plot_marks(axes, maze, marks, cell_points=cell_points, colours=colours.marks, farthest=farthest)
    if len(solution):
        columns, rows = np.array([(col, row) for row, col in solution], float).T
        axes.plot(
            columns,
            rows,
            color=colours.solution,
            linewidth=min(0.44 * cell_points, 12.0),
            solid_capstyle="round",
            solid_joinstyle="round",
            zorder=1,
        )
    _plot_walls(axes, maze, colours.wall, thin)
    if walk is not None:
        _plot_walk(axes, maze, walk, colours, 1.4 * thin)
    inside = "none" if marks is None else colours.marks.casing
    _plot_endpoints(axes, maze, colours.wall, inside, min(0.45 * cell_points, 13.0), 1.3 * thin)
    height, width = maze.shape
    axes.set(xlim=(-0.95, width - 0.05), ylim=(height - 0.05, -0.95), aspect="equal")
    axes.set_axis_off()


def _plot_endpoints(axes: Axes, maze: Maze, colour: str, inside: str, size: float, edge: float) -> None:
    (row, col), (target_row, target_col) = maze.origin, maze.target
    style: dict[str, Any] = {"linestyle": "", "color": colour, "zorder": 4}
    ring: dict[str, Any] = {"markerfacecolor": inside, "markeredgewidth": edge}
    axes.plot([col], [row], marker="o", markersize=size, **ring, **style)
    axes.plot([target_col], [target_row], marker="s", markersize=size, **style)


def wall_segments(maze: Maze) -> list[tuple[Point, Point]]:
    """List the walls as straight (x, y) segments, as long as they go, border included; cells have side 1."""
    rows, cols = maze.shape
    flat = np.ones((rows + 1, cols), np.bool_)  # flat[r, c]: a wall above cell (r, c)
    flat[1:] = ~maze.connections[0]
    upright = np.ones((cols + 1, rows), np.bool_)  # upright[c, r]: a wall left of cell (r, c)
    upright[1:] = ~maze.connections[1].T
    across = [((start - 0.5, y - 0.5), (end - 0.5, y - 0.5)) for y, start, end in _runs(flat)]
    return across + [((x - 0.5, start - 0.5), (x - 0.5, end - 0.5)) for x, start, end in _runs(upright)]


def _runs(lines: np.ndarray) -> list[tuple[int, int, int]]:
    """List (line, start, end) of the unbroken runs of True in each line."""
    padded = np.pad(lines, ((0, 0), (1, 1))).astype(np.int8)
    starts, ends = np.argwhere(np.diff(padded) == 1), np.argwhere(np.diff(padded) == -1)
    return [(int(line), int(start), int(end)) for (line, start), (_, end) in zip(starts, ends, strict=True)]


def _plot_walls(axes: Axes, maze: Maze, colour: str, width: float) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = [point for segment in wall_segments(maze) for point in segment]
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), len(points) // 2)
    path = Path(np.array(points), codes)
    axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=width, capstyle="projecting", zorder=2))


def _plot_walk(axes: Axes, maze: Maze, walk: Sequence[Cell], colours: MazeColours, width: float) -> None:
    height, cols = maze.shape
    # a cell off the grid is drawn just outside the border
    points = [(min(max(col, -0.8), cols - 0.2), min(max(row, -0.8), height - 0.2)) for row, col in walk]
    wrong = first_wrong_step(maze, walk)
    right_end = len(points) if wrong is None else wrong
    for part, colour in (
        (points[:right_end], colours.walk),
        (points[max(right_end - 1, 0) :], colours.wrong),
    ):
        if len(part) > 1:
            axes.plot(
                *np.array(part, float).T,
                color=colour,
                linewidth=width,
                solid_capstyle="round",
                solid_joinstyle="round",
                zorder=3,
            )
    if not len(walk) or tuple(walk[-1]) != maze.target:
        col, row = points[-1] if points else (maze.origin[1], maze.origin[0])
        axes.plot(
            [col], [row], marker="x", markersize=4 * width, markeredgewidth=1.2 * width, color=colours.wrong, zorder=5
        )


def plot_gallery(
    items: Sequence[GalleryItem],
    *,
    columns: int = 4,
    side: float = 2.4,
    colours: MazeColours | None = None,
    legend: bool = False,
    new_figure: Callable[..., Figure] | None = None,
) -> Figure:
    """Draw several mazes in a grid, each with its title above.

    Args:
        items: What to draw, row by row.
        columns: Panels per row.
        side: Inches of the longer side of a maze with its margin.
        colours: Colours of the parts.
        legend: Whether to explain the marks at the foot; all items are taken to have the same kinds of marks.
        new_figure: What makes the figure; pyplot's where a notebook is to show it.
    """
    from matplotlib.figure import Figure

    colours = colours or MazeColours()
    num_rows = max(1, -(-len(items) // columns))
    width, height = _panel(items, side)
    title = _TITLE * max([1, *(item.title.count("\n") + 1 for item in items)])
    marks = _explained(items) if legend else None
    foot = 0.0 if marks is None else legend_height(marks, columns * width)
    size = columns * width, num_rows * (height + title) + foot
    figure = (new_figure or Figure)(figsize=size)
    grid = figure.subplots(num_rows, columns, squeeze=False)
    figure.subplots_adjust(0.0, foot / size[1], 1.0, 1 - title / size[1], 0.04, title / height)
    farthest = max((_farthest(item.marks) for item in items), default=1)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, item in zip(grid.flat, items, strict=False):
        rows, cols = item.maze.shape
        plot_maze(
            axes,
            item.maze,
            solution=item.solution,
            walk=item.walk,
            marks=item.marks,
            colours=colours,
            cell_points=72 * 0.92 * min(width / (cols + 1), height / (rows + 1)),
            farthest=farthest,
        )
        axes.set_title(item.title, color=colours.text, fontsize=8.5, pad=3)
    if marks is not None:
        add_legend(figure, marks, colours.marks, farthest)
    return figure


_TITLE = 0.25
"""Inches of a line of title."""


def _panel(items: Sequence[GalleryItem], side: float) -> tuple[float, float]:
    """Return the inches of a panel that holds every maze with its longer side as long as `side`."""
    shapes = [(rows + 1, cols + 1) for rows, cols in (item.maze.shape for item in items)] or [(1, 1)]
    width, height = (max(shape[axis] / max(shape) for shape in shapes) for axis in (1, 0))
    return side * width, side * height


def _explained(items: Sequence[GalleryItem]) -> Marks:
    """Return the marks a legend explains: those of a maze that is cut off from its target in part, if there is one."""
    marked = [item.marks or Marks() for item in items]
    cut_off = (marks for marks in marked if marks.distances is not None and (marks.distances < 0).any())
    return next(cut_off, marked[0])


def _farthest(marks: Marks | None) -> int:
    return 1 if marks is None or marks.distances is None else int(marks.distances.max())
