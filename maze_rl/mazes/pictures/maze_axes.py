"""`maze.plot()`, `mazes.plot()` and `solution.plot()`: pictures on matplotlib axes, in a notebook below the cell.

Without axes of their own they make a figure with pyplot, which notebooks show.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from maze_rl.configs.marks import parse_marks
from maze_rl.errors import MazeRLError
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.pictures.descriptions import shape_text
from maze_rl.mazes.pictures.drawn_values import draw_values
from maze_rl.mazes.pictures.figure_ground import colours_on
from maze_rl.mazes.pictures.marks import Marks, marks_of
from maze_rl.mazes.pictures.plotting import GalleryItem, plot_gallery, plot_maze
from maze_rl.mazes.solve import Solution, solve
from maze_rl.plain_numbers import whole_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE, _CELL = 4.2, 0.12
"""Inches of the longer side of a maze, and of a cell at least."""
_SCALE = 0.9
"""Inches of a scale beside a maze."""


def plot_on_axes(
    shown: Maze | Solution,
    ax: Axes | None = None,
    *,
    marks: Sequence[str] = (),
    path: Iterable[Any] | None = None,
    cells: Any = None,
    edges: Any = None,
    limits: tuple[float | int, float | int] | None = None,
    colour_map: Any = None,
    label: str = "",
    title: str = "",
) -> Axes:
    """Draw a maze, with marks, a walk, or numbers on its cells and edges.

    Args:
        shown: A maze, or the solution of one, whose path is then the one that is marked.
        ax: Where to draw; a new figure without it.
        marks: Names from `maze_rl.configs.marks.MARKS`: ``solution``, ``all_paths``, ``distances``, ``forks``,
            ``dead_ends``.
        path: Cells (row, col) that a model walked, a list or an array; the line changes colour where it leaves every
            shortest path.
        cells: Float[rows, cols], a number for every cell; nan for none.
        edges: Float[2, rows, cols], a number for every edge, laid out like `Maze.connections`; nan for none.
            `maze_rl.mazes.pictures.drawn_values.edge_array` makes it from a list of edges.
        limits: Numbers that the ends of the scale of `cells` and `edges` stand for.
        colour_map: For `cells` and `edges`, in any form matplotlib takes.
        label: What the scale of `cells` and `edges` says.
        title: Above the maze.

    Raises:
        MazeRLError: A mark is unknown, the path holds something else than cells, or an array does not fit the maze.
    """
    walk = None if path is None else _walked(path)
    maze = shown if isinstance(shown, Maze) else shown.maze
    valued = cells is not None or edges is not None
    ax = _new_axes(maze, valued) if ax is None else ax
    cell_points = _cell_points(ax, maze)
    marked = _marks_of(shown, marks)
    if valued:
        marked = marked or Marks()  # so that the ring at the origin is filled, and shows on any colour
        draw_values(
            ax,
            maze,
            cells=cells,
            edges=edges,
            limits=limits,
            colour_map=colour_map,
            label=label,
            cell_points=cell_points,
        )
    plot_maze(ax, maze, walk=walk, marks=marked, colours=colours_on(ax.figure.get_facecolor()), cell_points=cell_points)
    if title:
        ax.set_title(title)
    return ax


def plot_side_by_side(
    shown: Any,
    *,
    num: int = 12,
    columns: int = 4,
    marks: Sequence[str] = (),
    side: float | int = 2.2,
) -> ndarray:
    """Draw the first mazes, or solutions, side by side; each has its number and shape above.

    Args:
        shown: Mazes or solutions, anything with a length and an index; only the first `num` are looked at.
        num: How many at most.
        columns: Mazes in a row.
        marks: Names from `maze_rl.configs.marks.MARKS`, explained at the foot.
        side: Inches of the longer side of a maze.

    Returns:
        The axes of the mazes, Object[shown], in their order.

    Raises:
        MazeRLError: A mark is unknown, a number is out of bounds, or there is no maze to draw.
    """
    from matplotlib import pyplot, rcParams

    num, columns = whole_number("num", num), whole_number("columns", columns, 1)
    if not 0 < side < float("inf"):
        raise MazeRLError(f"side is {side}: expected inches, more than 0.")
    if not min(num, len(shown)):
        raise MazeRLError("there is no maze to draw: give at least one, and num of 1 or more.")
    items = []
    for index in range(min(num, len(shown))):
        maze = shown[index] if isinstance(shown[index], Maze) else shown[index].maze
        title = f"{index}: {shape_text(maze.shape)}"
        items.append(GalleryItem(maze=maze, title=title, marks=_marks_of(shown[index], marks)))
    columns = min(columns, max(1, len(items)))
    figure = plot_gallery(
        items,
        columns=columns,
        side=side,
        legend=bool(len(marks)),
        new_figure=pyplot.figure,
        colours=colours_on(rcParams["figure.facecolor"]),
    )
    axes = np.empty(len(items), object)
    axes[:] = figure.axes[: len(items)]
    return axes


def _walked(path: Iterable[Any]) -> list[Cell]:
    """Return the cells of a walk, which may leave the grid, as pairs of plain integers."""
    try:
        return [(operator.index(row), operator.index(col)) for row, col in path]
    except (TypeError, ValueError):
        raise MazeRLError("path: expected cells (row, col), as [(0, 0), (0, 1)] or an array Int[cells, 2].") from None


def _marks_of(shown: Maze | Solution, names: Sequence[str]) -> Marks | None:
    if not len(names):
        return None
    known = parse_marks(names if isinstance(names, str) else ",".join(names))
    return marks_of(shown if isinstance(shown, Solution) else solve(shown), known)


def _new_axes(maze: Maze, with_scale: bool) -> Axes:
    from matplotlib import pyplot

    rows, cols = maze.shape
    cell = max(_SIDE / max(rows, cols), _CELL)
    size = ((cols + 1) * cell + _SCALE * with_scale, (rows + 1) * cell)
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def _cell_points(ax: Axes, maze: Maze) -> float:
    """Return the width of a cell on paper, as far as it is known before the figure is laid out."""
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    rows, cols = maze.shape
    return 72 / dpi * 1.1 * min(box.width / (cols + 1), box.height / (rows + 1))
