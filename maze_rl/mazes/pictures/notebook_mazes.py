"""Mazes in notebooks: a maze is a small SVG picture, a collection a row of them below its counts.

Walls, the ring at the origin and the square at the target have the colour of the text around them, so that they
show on light and on dark pages; a path is blue on either. Only the first mazes of a collection are looked at.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from maze_rl.displays.notebook_html import BLUE, MUTED, block, headed, remark
from maze_rl.displays.short_repr import counted
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.pictures.descriptions import headline, shape_text
from maze_rl.mazes.pictures.plotting import wall_segments

if TYPE_CHECKING:
    from maze_rl.mazes.lattice import MazeBatch, MazeCollection
    from maze_rl.mazes.solve import BatchSolution, CollectionSolution, Solution
    from maze_rl.mazes.storage.store import StoredMazes

SHOWN = 6
"""Mazes of a gallery."""
_ALONE, _OF_SEVERAL = 260, 120
"""Pixels of the longer side of a maze."""
_WIDEST_CELL, _NARROWEST_CELL = 22.0, 4.0
"""Pixels of a cell at most and at least."""
_MOST_CELLS = 40_000
"""A larger maze is told in words: its picture would be megabytes in the notebook."""
_UNIT = 10
"""Units of the picture for a cell."""


def maze_svg(maze: Maze, path: Sequence[Cell] = (), side: int = _ALONE) -> str:
    """Return a maze as an ``<svg>`` element; a note in its place where it is too large.

    Args:
        maze: What to draw.
        path: Cells to join by a line.
        side: Pixels of its longer side; more where cells would be too narrow, fewer where too wide.
    """
    rows, cols = maze.shape
    if rows * cols > _MOST_CELLS:
        return remark(f"{shape_text(maze.shape)} cells are too many to draw here; maze.plot() draws them.")
    cell = min(max(side / max(rows, cols), _NARROWEST_CELL), _WIDEST_CELL)
    thin = _UNIT / cell * min(max(cell / 9, 1.0), 1.8)
    margin = round(thin, 2)
    width, height = (number * _UNIT + 2 * margin for number in (cols, rows))
    scale = cell / _UNIT
    mark = max(2.4, 3 * _UNIT / cell)  # seen in the largest maze
    (row, col), (target_row, target_col) = (_centre(end) for end in (maze.origin, maze.target))
    return (
        f'<svg width="{width * scale:.0f}" height="{height * scale:.0f}" '
        f'viewBox="{-margin:g} {-margin:g} {width:g} {height:g}" role="img" aria-label="{escape(repr(maze))}">'
        + _path_line(path, cell)
        + f'<path d="{_walls(maze)}" fill="none" stroke="currentColor" stroke-width="{thin:.2f}" '
        'stroke-linecap="square"/>'
        f'<circle cx="{col}" cy="{row}" r="{mark:.3g}" fill="none" stroke="currentColor" '
        f'stroke-width="{mark / 2:.3g}"/>'
        f'<rect x="{target_col - mark:g}" y="{target_row - mark:g}" width="{2 * mark:g}" height="{2 * mark:g}" '
        'fill="currentColor"/></svg>'
    )


def _centre(cell: Cell) -> tuple[int, int]:
    return cell[0] * _UNIT + _UNIT // 2, cell[1] * _UNIT + _UNIT // 2


def _path_line(path: Sequence[Cell], cell: float) -> str:
    if not len(path):
        return ""
    points = " ".join(f"{x},{y}" for y, x in map(_centre, path))
    width = max(2.4, _UNIT / cell * 1.6)
    return (
        f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-width="{width:.1f}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _walls(maze: Maze) -> str:
    parts = []
    for (x, y), (to_x, to_y) in wall_segments(maze):
        start = f"M{(x + 0.5) * _UNIT:.0f} {(y + 0.5) * _UNIT:.0f}"
        parts.append(start + (f"H{(to_x + 0.5) * _UNIT:.0f}" if y == to_y else f"V{(to_y + 0.5) * _UNIT:.0f}"))
    return "".join(parts)


def maze_html(shown: "Maze | Solution") -> str:
    """Return the picture of a maze, with the path of its solution if that is given, and a line below it."""
    if isinstance(shown, Maze):
        return block(maze_svg(shown), remark(f"{shape_text(shown.shape)}, {shown.origin} to {shown.target}"))
    line = f"{counted(shown.distance, 'step')}, {counted(shown.path_count, 'shortest path')}"
    return block(maze_svg(shown.maze, shown.path), remark(line))


def gallery_html(shown: "MazeBatch | MazeCollection | StoredMazes | BatchSolution | CollectionSolution") -> str:
    """Return the first mazes, with their paths if they are solved, side by side below what they are."""
    figures = []
    for index in range(min(SHOWN, len(shown))):
        one = shown[index]
        solved = not isinstance(one, Maze)
        maze, path = (one.maze, one.path) if solved else (one, ())
        caption = f"{index}: {counted(one.distance, 'step') if solved else shape_text(maze.shape)}"
        figures.append(
            f'<figure style="margin:0;text-align:center">{maze_svg(maze, path, _OF_SEVERAL)}'
            f'<figcaption style="{MUTED};font-size:85%">{escape(caption)}</figcaption></figure>'
        )
    row = f'<div style="display:flex;flex-wrap:wrap;gap:14px;align-items:flex-end">{"".join(figures)}</div>'
    return block(headed(headline(shown)), row)
