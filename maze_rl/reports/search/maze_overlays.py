"""Mazes with a value drawn on every open edge: attention, or the effect of patching."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.pictures.plotting import MazeColours, plot_maze
from maze_rl.reports.palette import LEVELS, light, ramp_level
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 3
"""Panels side by side."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EdgeOverlay(Shown):
    """One maze with values on its edges."""

    maze: Maze
    title: str
    edges: Int[ndarray, "edge 3"]
    """(direction, row, col): 0 down, 1 right."""
    values: Float[ndarray, " edge"]
    """0 to 1 after division by `scale`, or -1 to 1 where `diverging`."""
    scale: float | int
    """What the last colour stands for."""
    key: str
    """What the colours say."""
    diverging: bool = False
    here: Cell | None = None
    """The cell where the decision is taken."""
    steps: Sequence[tuple[Cell, str]] = ()
    """Arrows from `here`: (to, colour)."""
    changed: Sequence[tuple[tuple[int, int, int], str]] = ()
    """Edges to frame, with their style: `solid` for one that is open, `dashed` for one that would be."""


def overlay_figure(overlays: Sequence[EdgeOverlay]) -> "Figure":
    """Draw the mazes side by side, each with its key."""
    from matplotlib.figure import Figure

    columns = _COLUMNS
    rows = -(-len(overlays) // columns)
    width = WIDTH / columns
    height = width + 0.75
    figure = Figure(figsize=(WIDTH, rows * height))
    for index, overlay in enumerate(overlays):
        row, column = divmod(index, columns)
        bottom = 1 - (row + 1) / rows + 0.5 / (rows * height)
        axes = figure.add_axes((column / columns, bottom, 0.94 / columns, (width - 0.02) / (rows * height)))
        _draw(axes, overlay, width)
        key = figure.add_axes(
            (column / columns + 0.08 / columns, bottom - 0.2 / (rows * height), 0.6 / columns, 0.1 / (rows * height))
        )
        _draw_key(key, overlay)
    return figure


def _draw(axes: "Axes", overlay: EdgeOverlay, width: float | int) -> None:
    cell_points = 72 * width / (max(overlay.maze.shape) + 1)
    plot_maze(axes, overlay.maze, colours=MazeColours(wall=light("reference-mid")), cell_points=cell_points)
    order = np.argsort(np.abs(overlay.values))
    for (direction, row, col), value in zip(overlay.edges[order].tolist(), overlay.values[order], strict=True):
        axes.plot(
            [col, col + (direction == 1)],
            [row, row + (direction == 0)],
            color=_colour(value, overlay),
            linewidth=min(0.3 * cell_points, 11),
            solid_capstyle="butt",
            zorder=1,
        )
    for (direction, row, col), style in overlay.changed:
        draw_frame(axes, (direction, row, col), style=style)
    if overlay.here is not None:
        axes.plot(
            [overlay.here[1]],
            [overlay.here[0]],
            marker="D",
            markersize=0.26 * cell_points,
            zorder=6,
            color=light("ink"),
            markeredgecolor=light("paper"),
        )
        for (row, col), colour in overlay.steps:
            draw_step(axes, overlay.here, (row, col), colour)
    axes.set_title(overlay.title, fontsize=8.5, color=light("ink"), pad=2, loc="left", x=0.04)


def draw_frame(axes: "Axes", edge: Sequence[int], *, colour: str = "ink", style: str = "solid") -> None:
    """Draw a frame around an edge (direction, row, col), `solid` or `dashed`."""
    from matplotlib.patches import Rectangle

    direction, y, x = edge
    corner, size = ((x - 0.1, y - 0.28), (1.2, 0.56)) if direction == 1 else ((x - 0.28, y - 0.1), (0.56, 1.2))
    axes.add_patch(
        Rectangle(
            corner,
            *size,
            fill=False,
            edgecolor=light(colour),
            linewidth=1.5,
            zorder=5,
            linestyle="solid" if style == "solid" else (0, (3, 2)),
        )
    )


def draw_step(axes: "Axes", here: Cell, there: Cell, colour: str = "ink") -> None:
    """Draw an arrow from a cell to a neighbour."""
    (row, col), (to_row, to_col) = here, there
    arrow = {"arrowstyle": "-|>", "color": light(colour), "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    tip, tail = ((col + share * (to_col - col), row + share * (to_row - row)) for share in (0.85, 0.2))
    axes.annotate("", tip, tail, arrowprops=arrow, zorder=7)


def _colour(value: float | int, overlay: EdgeOverlay) -> str:
    share = float(value) / overlay.scale if overlay.scale > 0 else 0.0
    return light(f"diverging-{ramp_level((share + 1) / 2)}" if overlay.diverging else f"ramp-{ramp_level(share)}")


def _draw_key(axes: "Axes", overlay: EdgeOverlay) -> None:
    from matplotlib.patches import Rectangle

    name = "diverging" if overlay.diverging else "ramp"
    for level in range(LEVELS):
        axes.add_patch(
            Rectangle((level / LEVELS, 0), 1.02 / LEVELS, 1, facecolor=light(f"{name}-{level}"), edgecolor="none")
        )
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    ends = (-overlay.scale if overlay.diverging else 0.0, overlay.scale)
    for x, value in zip((0.0, 1.0), ends, strict=True):
        axes.text(
            x,
            -0.35,
            f"{value:.2f}".replace("-", "−") if value else "0",
            fontsize=7.5,
            color=light("muted"),
            ha="center",
            va="top",
        )
    axes.text(0.5, -0.35, overlay.key, fontsize=7.5, color=light("muted"), ha="center", va="top")


def by_edge(
    values: Float[ndarray, " pos"], edges: Int[ndarray, "pos 3"], *, join: str = "sum"
) -> tuple[Int[ndarray, "edge 3"], Float[ndarray, " edge"]]:
    """Join the values of the tokens that write each edge.

    Args:
        values: Of each position of a sequence.
        edges: (direction, row, col) of the edge each token is part of; -1 for none.
        join: `sum`, or `largest` in size.
    """
    listed = edges[:, 0] >= 0
    found, place = np.unique(edges[listed], axis=0, return_inverse=True)
    joined = np.zeros(len(found))
    for edge, value in zip(place.ravel(), np.nan_to_num(values[listed]), strict=True):
        if join == "sum":
            joined[edge] += value
        elif abs(value) > abs(joined[edge]):
            joined[edge] = value
    return found.astype(np.int64), joined
