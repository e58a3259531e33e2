"""Mazes as text in box-drawing characters, for terminals; `maze_rl.mazes.interchange.ascii` draws them as plain text.

Both come from one picture of (2 rows + 1) x (2 cols + 1) pixels: cells at odd positions, walls and openings
between them, posts at even positions. `maze_rl.mazes.interchange.box_drawings` reads them back.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from maze_rl.mazes.lattice import Cell, Maze

WALL, OPEN, PATH, ORIGIN, TARGET = range(5)
_CELL_CHARACTERS = "# ·SE"
POSTS = " ╵╶└╷│┌├╴┘─┴┐┤┬┼"
"""The character of a post by its arms, the sum of up 1, right 2, down 4, left 8."""


def pixels(maze: Maze, path: Sequence[Cell] = ()) -> UInt8[ndarray, "height width"]:
    """Return the picture of a maze, one of `WALL`, `OPEN`, `PATH`, `ORIGIN`, `TARGET` per pixel.

    Args:
        maze: What to draw, of `rows` x `cols` cells.
        path: Cells to mark, with the openings between them; cells outside the grid are left out.

    Returns:
        The picture, ``height = 2 rows + 1``, ``width = 2 cols + 1``.
    """
    rows, cols = maze.shape
    picture = np.full((2 * rows + 1, 2 * cols + 1), WALL, np.uint8)
    picture[1::2, 1::2] = OPEN
    picture[2::2, 1::2][maze.connections[0]] = OPEN
    picture[1::2, 2::2][maze.connections[1]] = OPEN
    _mark_path(picture, [(int(r), int(c)) for r, c in path if 0 <= r < rows and 0 <= c < cols])
    for (row, col), mark in ((maze.origin, ORIGIN), (maze.target, TARGET)):
        picture[2 * row + 1, 2 * col + 1] = mark
    return picture


def _mark_path(picture: ndarray, path: list[Cell]) -> None:
    for row, col in path:
        picture[2 * row + 1, 2 * col + 1] = PATH
    for (row, col), (next_row, next_col) in pairwise(path):
        between = (row + next_row + 1, col + next_col + 1)
        # a step through a wall leaves the wall standing
        if abs(row - next_row) + abs(col - next_col) == 1 and picture[between] == OPEN:
            picture[between] = PATH


def draw_boxes(maze: Maze, path: Sequence[Cell] = ()) -> str:
    """Draw a maze with box-drawing walls, ``S``, ``E``, and dots along `path`; 4 cols + 1 characters wide."""
    picture = pixels(maze, path)
    return "\n".join(_box_line(picture, row) for row in range(len(picture)))


def _box_line(picture: ndarray, row: int) -> str:
    walls = join_walls(picture, row)
    pieces = [
        wall if pixel == WALL else _CELL_CHARACTERS[pixel] for wall, pixel in zip(walls, picture[row], strict=True)
    ]
    wide = [(piece * 3 if piece == "─" else f" {piece} ") if col % 2 else piece for col, piece in enumerate(pieces)]
    return "".join(wide)


def join_walls(picture: UInt8[ndarray, "height width"], row: int) -> list[str]:
    """Return the box-drawing character of every wall and post in a row of `pixels`; a space elsewhere."""
    if row % 2:
        return ["│" if pixel == WALL else " " for pixel in picture[row]]
    line = ["─" if pixel == WALL else " " for pixel in picture[row]]
    line[::2] = [_post(picture, row, col) for col in range(0, len(line), 2)]
    return line


def _post(picture: ndarray, row: int, col: int) -> str:
    height, width = picture.shape
    arms = (
        row > 0 and picture[row - 1, col] == WALL,
        col + 1 < width and picture[row, col + 1] == WALL,
        row + 1 < height and picture[row + 1, col] == WALL,
        col > 0 and picture[row, col - 1] == WALL,
    )
    return POSTS[sum(1 << bit for bit, arm in enumerate(arms) if arm)]
