"""Mazes with their marks as text, for terminals and files, alone or side by side.

In colour the distance field shades the background (near the target pale, far dark); without colour, and in
colour as well, it is written as numbers. Forks are ``◆``, dead ends ``×``, cells of all shortest paths ``∘``,
the path shown ``·``.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np
from jaxtyping import Int32, UInt8
from numpy import ndarray

from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.drawing import ORIGIN, PATH, TARGET, WALL, join_walls, pixels
from maze_rl.mazes.pictures.marks import Marks, optimal_steps

_DOT, _OPTIMAL, _FORK, _DEAD_END = "·", "∘", "◆", "×"
_NAMES = (
    ("solution", f"{_DOT} a shortest path"),
    ("optimal", f"{_OPTIMAL} on another shortest path"),
    ("forks", f"{_FORK} fork"),
    ("dead_ends", f"{_DEAD_END} dead end"),
    ("distances", "numbers: steps to the target"),
)
_RAMP = (230, 223, 216, 173, 131, 95)
"""Background colours (of 256) from near to far; the first `_DARK_TEXT` of them carry dark text."""
_DARK_TEXT = 4
_STYLES = {_DOT: "38;5;33;1", _OPTIMAL: "38;5;39", _FORK: "38;5;208;1", _DEAD_END: "38;5;245", "S": "1", "E": "1"}
_ESCAPE = re.compile(r"\033\[[\d;]*m")
_GAP = 3


def draw_marked(maze: Maze, marks: Marks, colour: bool = False) -> str:
    """Draw a maze with box-drawing walls, ``S``, ``E`` and its marks.

    Args:
        maze: What to draw.
        marks: What to mark.
        colour: Whether the reader shows ANSI colours.
    """
    picture = pixels(maze, marks.solution)
    texts = _openings(maze, marks, picture)
    for row, line in enumerate(_cell_texts(picture, marks)):
        texts[2 * row + 1][1::2] = line
    width = max(3, *(len(text) + 1 for line in texts for text in line)) | 1
    levels = None
    if colour:
        no_field = np.full(picture.shape, -1, np.int32)
        levels = no_field if marks.distances is None else _levels(marks.distances)
    walls = join_walls(picture).tolist()
    return "\n".join("".join(_line(picture, row, walls[row], texts, width, levels)) for row in range(len(picture)))


def legend(marks: Marks) -> str:
    """Say in one line what the signs of `marks` mean."""
    shown = [text for name, text in _NAMES if getattr(marks, name) is not None and len(getattr(marks, name))]
    if marks.optimal is not None and not len(marks.solution):
        shown = [text.replace("another", "some") for text in shown]
    return "   ".join(shown)


def side_by_side(blocks: Sequence[str], width: int) -> str:
    """Set drawings in columns, as many as fit into `width` characters, with an empty line between rows."""
    column = max(_width(line) for block in blocks for line in block.split("\n"))
    columns = max(1, (width + _GAP) // (column + _GAP))
    rows = [blocks[start : start + columns] for start in range(0, len(blocks), columns)]
    return "\n\n".join(_join(row, column) for row in rows)


def _join(blocks: Sequence[str], column: int) -> str:
    lines = zip_longest(*(block.split("\n") for block in blocks), fillvalue="")
    padded = ((part + " " * (column - _width(part)) for part in line) for line in lines)
    return "\n".join((" " * _GAP).join(line).rstrip(" ") for line in padded)


def _width(line: str) -> int:
    return len(_ESCAPE.sub("", line))


def _cell_texts(picture: UInt8[ndarray, "height width"], marks: Marks) -> list[list[str]]:
    """Return what stands in every cell; the strongest mark wins: endpoint, fork, dead end, number, path."""
    inside = picture[1::2, 1::2]
    texts = np.full(inside.shape, " ", dtype=object)
    if marks.optimal is not None:
        texts[marks.optimal] = _OPTIMAL
    texts[inside == PATH] = _DOT
    if marks.distances is not None:
        texts[:] = np.where(marks.distances < 0, "-", marks.distances.astype(str))
    for where, sign in ((marks.dead_ends, _DEAD_END), (marks.forks, _FORK)):
        if where is not None:
            texts[where] = sign
    texts[inside == ORIGIN], texts[inside == TARGET] = "S", "E"
    return texts.tolist()


def _openings(maze: Maze, marks: Marks, picture: UInt8[ndarray, "height width"]) -> list[list[str]]:
    """Return the sign of every pixel that is no cell: where a marked path passes between cells."""
    signs = np.full(picture.shape, " ", dtype=object)
    if marks.optimal is not None:
        down, right = optimal_steps(maze, marks.optimal)
        signs[2::2, 1::2][down], signs[1::2, 2::2][right] = _OPTIMAL, _OPTIMAL
    signs[picture == PATH] = _DOT
    return signs.tolist()


def _levels(distances: Int32[ndarray, "rows cols"]) -> Int32[ndarray, "height width"]:
    """Return the level in the ramp of every pixel, the lowest of the cells it touches; -1 without a way."""
    rows, cols = distances.shape
    levels = np.full((2 * rows + 1, 2 * cols + 1), -1, np.int32)
    inner = np.where(distances < 0, -1, distances * len(_RAMP) // (int(distances.max()) + 1))
    levels[1::2, 1::2] = inner
    levels[2:-1:2, 1::2] = np.minimum(inner[:-1], inner[1:])
    levels[1:-1, 2:-1:2] = np.minimum(levels[1:-1, 1:-2:2], levels[1:-1, 3::2])
    return levels


def _line(
    picture: ndarray, row: int, walls: list[str], texts: list[list[str]], width: int, levels: ndarray | None
) -> Iterator[str]:
    for col, pixel in enumerate(picture[row]):
        wide = width if col % 2 else 1
        if pixel == WALL and walls[col] != " ":
            yield walls[col] * wide
        else:
            text = _centred(texts[row][col], wide)
            yield text if levels is None else _styled(text, int(levels[row, col]))


def _centred(text: str, width: int) -> str:
    return text.rjust(width - 1) + " " if len(text) > 1 else text.center(width)


def _styled(text: str, level: int) -> str:
    style = _STYLES.get(text.strip(), "")
    if level >= 0:
        ground = f"48;5;{_RAMP[level]};38;5;{16 if level < _DARK_TEXT else 231}"
        style = ground + (";1" if style else "")
    return f"\033[{style}m{text}\033[0m" if style else text
