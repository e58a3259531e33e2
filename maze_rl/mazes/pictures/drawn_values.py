"""Numbers drawn on a maze: one for every cell as its colour, one for every edge as a line between two cells.

Attention to a cell's tokens, a probe's reading, the effect of patching an edge: what is not a number (nan) is left
out. Colours go from pale to dark blue where no number is negative, else from orange over grey to blue around zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, Int
from numpy import ndarray

from maze_rl.errors import MazeRLError
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.figure_ground import on_dark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

_ONE_SIGN = ("#eef3f8", "#a9cbe4", "#4a94c8", "#0a4f87")
_BOTH_SIGNS = ("#a34a06", "#e9a878", "#f1f2f4", "#83b7dc", "#08467a")
_ONE_SIGN_ON_DARK = ("#1d2733", "#1e4c70", "#2f86bf", "#9ad6f8")
_BOTH_SIGNS_ON_DARK = ("#f79a5e", "#8f4f26", "#242c36", "#245b85", "#8dcdf4")


def draw_values(
    axes: Axes,
    maze: Maze,
    *,
    cells: Any = None,
    edges: Any = None,
    limits: tuple[float | int, float | int] | None = None,
    colour_map: Any = None,
    label: str = "",
    cell_points: float | int = 14.0,
) -> ScalarMappable:
    """Draw a number for every cell, for every edge, or both, on axes that show `maze`; one scale beside it.

    Args:
        axes: Where `maze_rl.mazes.pictures.plotting.plot_maze` drew the maze; `maze.plot(cells=...)` does both.
        maze: The maze.
        cells: Float[rows, cols]; nan for a cell to leave out.
        edges: Float[2, rows, cols], laid out like `Maze.connections`: ``[0, r, c]`` for the edge from (r, c) down,
            ``[1, r, c]`` for the one to the right; nan for an edge to leave out. `edge_array` makes it from a list.
        limits: Numbers that the ends of the scale stand for; those of the values without it, around zero where some
            are negative.
        colour_map: In any form matplotlib takes; None for the house's.
        label: What the scale says.
        cell_points: Width of a cell on paper in points.

    Returns:
        What maps numbers to colours.

    Raises:
        MazeRLError: An array has another shape than the maze, or there is neither.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    on_cells, on_edges = _checked("cells", cells, maze.shape), _checked("edges", edges, (2, *maze.shape))
    if on_cells is None and on_edges is None:
        raise MazeRLError("there is nothing to draw: give cells, edges or both.")
    low, high = limits or _limits([each for each in (on_cells, on_edges) if each is not None])
    colours = ScalarMappable(
        Normalize(low, high),
        _colour_map(low < 0, on_dark(axes.figure.get_facecolor())) if colour_map is None else colour_map,
    )
    if on_cells is not None:
        rows, cols = maze.shape
        style: dict[str, Any] = {"cmap": colours.cmap, "norm": colours.norm, "zorder": 0.1, "linewidth": 0}
        axes.pcolormesh(np.arange(cols + 1) - 0.5, np.arange(rows + 1) - 0.5, np.ma.masked_invalid(on_cells), **style)
    if on_edges is not None:
        _draw_edges(axes, on_edges, colours, min(0.34 * cell_points, 12.0), rimmed=on_cells is not None)
    axes.figure.colorbar(colours, ax=axes, label=label, shrink=0.75, aspect=24, pad=0.03)
    return colours


def _draw_edges(axes: Axes, values: ndarray, colours: ScalarMappable, width: float, rimmed: bool) -> None:
    """Draw the edges with numbers, the largest on top."""
    from matplotlib.collections import LineCollection

    listed = np.argwhere(np.isfinite(values))
    if not len(listed):
        return
    listed = listed[np.argsort(np.abs(values[tuple(listed.T)]))]
    numbers = values[tuple(listed.T)]
    # short of the centres, so that neighbours do not run into each other
    lines = [
        [(col + 0.2 * way, row + 0.2 * (1 - way)), (col + 0.8 * way, row + 0.8 * (1 - way))]
        for way, row, col in listed.tolist()
    ]
    if rimmed:
        axes.add_collection(
            LineCollection(
                lines, colors=axes.figure.get_facecolor(), linewidths=1.5 * width, capstyle="round", zorder=1.1
            )
        )
    axes.add_collection(
        LineCollection(lines, colors=colours.to_rgba(numbers), linewidths=width, capstyle="round", zorder=1.2)
    )


def edge_array(
    shape: tuple[int, int], edges: Int[ndarray, "edge 3"] | Sequence[Sequence[int]], values: Any
) -> Float64[ndarray, "2 rows cols"]:
    """Lay out numbers of a list of edges like `Maze.connections`; nan where no edge is listed.

    Args:
        shape: Rows and columns.
        edges: (direction, row, col) of each: direction 0 down, 1 right. An edge listed twice gets the sum.
        values: A number for each.

    Raises:
        MazeRLError: An edge lies outside the grid, or the numbers are not as many as the edges.
    """
    listed, numbers = np.asarray(edges, np.int64).reshape(-1, 3), np.asarray(values, np.float64).reshape(-1)
    if len(listed) != len(numbers):
        raise MazeRLError(f"values: expected a number for each of {len(listed)} edges, got {len(numbers)}.")
    outside = (listed < 0) | (listed >= (2, *shape))
    if outside.any():
        edge = tuple(listed[outside.any(axis=1)][0].tolist())
        raise MazeRLError(f"edges: {edge} lies outside the {shape[0]} x {shape[1]} grid: give (direction, row, col).")
    laid, places = np.full((2, *shape), np.nan), tuple(listed.T)
    laid[places] = 0.0
    np.add.at(laid, places, numbers)
    return laid


def _checked(name: str, values: Any, shape: tuple[int, ...]) -> ndarray | None:
    if values is None:
        return None
    array = np.asarray(values, np.float64)
    if array.shape != shape:
        raise MazeRLError(f"{name}: expected an array of shape {shape}, like this maze, got {array.shape}.")
    return array


def _limits(arrays: Sequence[ndarray]) -> tuple[float, float]:
    finite = np.concatenate([array[np.isfinite(array)] for array in arrays])
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low < 0:
        most = max(-low, high)
        return -most, most
    return (low, high) if high > low else (low, low + 1.0)


def _colour_map(both_signs: bool, dark: bool) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    light = _BOTH_SIGNS if both_signs else _ONE_SIGN
    stops = (_BOTH_SIGNS_ON_DARK if both_signs else _ONE_SIGN_ON_DARK) if dark else light
    return LinearSegmentedColormap.from_list("maze_values", list(stops))
