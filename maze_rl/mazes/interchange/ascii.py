"""Mazes as plain text, as maze-dataset writes them: ``#`` walls, spaces, ``S``, ``E``, ``X`` on a path; both ways.

One character per pixel of `maze_rl.mazes.interchange.pixels`; drawing what was read gives the text back.
"""

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.interchange.pixels import Place, maze_of_codes, path_of_codes
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.pictures.drawing import pixels

CHARACTERS = "# XSE"
"""The characters of `drawing.WALL`, `OPEN`, `PATH`, `ORIGIN` and `TARGET`."""


def draw_ascii(maze: Maze, path: Sequence[Cell] = ()) -> str:
    """Draw a maze as maze-dataset does: ``#`` walls, spaces, ``S``, ``E``, and ``X`` on `path`."""
    return "\n".join("".join(CHARACTERS[pixel] for pixel in line) for line in pixels(maze, path))


def from_ascii(text: str) -> Maze:
    """Return the maze of a drawing by `draw_ascii` or maze-dataset; ``X`` counts as open.

    Args:
        text: The drawing; empty lines before and after it are passed over.

    Raises:
        InvalidMazeError: The text is no such drawing; names the line and column at fault, both from 1.
    """
    return maze_of_codes(*_to_codes(text))


def path_of_ascii(text: str) -> list[Cell]:
    """Return the path marked with ``X`` in a drawing, from the origin on; an empty list if none is marked.

    Args:
        text: The drawing; empty lines before and after it are passed over.

    Raises:
        InvalidMazeError: The text is no drawing of a maze, or its marks are not one simple path from ``S``.
    """
    codes, place = _to_codes(text)
    return path_of_codes(codes, maze_of_codes(codes, place), place)


def _to_codes(text: str) -> tuple[ndarray, Place]:
    """Return the pixels of a drawing and how to name them in the whole text."""
    lines = text.replace("\r\n", "\n").split("\n")
    above = next((index for index, line in enumerate(lines) if line), len(lines))
    drawing = lines[above : max((index for index, line in enumerate(lines) if line), default=0) + 1]
    if not drawing:
        raise InvalidMazeError("the text is empty: expected a drawing of a maze in #, space, S, E and X.")

    def place(row: int, col: int) -> str:
        return f"line {above + row + 1}, column {col + 1}"

    width = len(drawing[0])
    for row, line in enumerate(drawing):
        strange = next((col for col, character in enumerate(line) if character not in CHARACTERS), None)
        if strange is not None:
            raise InvalidMazeError(f"{place(row, strange)}: {line[strange]!r} is none of #, space, S, E and X.")
        if len(line) != width:
            raise InvalidMazeError(
                f"{place(row, min(len(line), width))}: a line of {len(line)} characters; the first has {width}."
            )
    return np.array([[CHARACTERS.index(character) for character in line] for line in drawing], np.uint8), place
