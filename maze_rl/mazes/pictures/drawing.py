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
_SIGNS = np.array(list("# ·SE"))
"""The character of a pixel by its code; walls are joined instead."""
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
    signs = np.where(picture == WALL, join_walls(picture), _SIGNS[picture])
    texts = np.repeat(signs, [1, *([3, 1] * maze.shape[1])], axis=1)  # a cell is as wide as three posts
    inside = signs[:, 1::2]
    for beside in (texts[:, 1::4], texts[:, 3::4]):
        beside[inside != "─"] = " "
    return "\n".join("".join(line) for line in texts)


def join_walls(picture: UInt8[ndarray, "height width"]) -> ndarray:
    """Return the box-drawing character of every wall and post of `pixels`, <U1[height, width]; a space elsewhere."""
    wall = picture == WALL
    walls = np.where(wall, "│", " ")
    walls[::2] = np.where(wall[::2], "─", " ")
    around = np.pad(wall, 1)
    up, right, down, left = around[:-2, 1:-1], around[1:-1, 2:], around[2:, 1:-1], around[1:-1, :-2]
    arms = up + 2 * right + 4 * down + 8 * left
    walls[::2, ::2] = np.array(list(POSTS))[arms[::2, ::2]]
    return walls
