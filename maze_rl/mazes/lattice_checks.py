"""What makes arrays a maze: shapes, a closed border, cells on the grid; a fault names the first maze that has it."""

import operator
from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from maze_rl.errors import InvalidMazeError

Cell = tuple[int, int]
LARGEST_SIDE = 2**15 - 1
"""Most rows or cols of a grid: coordinates are int16."""


def check_shapes(connections: ndarray, origins: ndarray, targets: ndarray) -> None:
    """Check shapes and types of the arrays of a batch.

    Raises:
        InvalidMazeError: One is wrong; names the field.
    """
    if connections.ndim != 4 or connections.shape[1] != 2:
        raise InvalidMazeError(f"connections: expected Bool[batch, 2, rows, cols], got shape {connections.shape}.")
    if connections.dtype != np.bool_:
        raise InvalidMazeError(f"connections: expected booleans, got {connections.dtype}.")
    if min(connections.shape[2:]) < 1:
        raise InvalidMazeError(f"connections: a grid of {connections.shape[2]} x {connections.shape[3]} has no cells.")
    if max(connections.shape[2:]) > LARGEST_SIDE:
        raise InvalidMazeError(f"connections: a grid may have at most {LARGEST_SIDE} rows and cols.")
    for field, cells in (("origins", origins), ("targets", targets)):
        if cells.shape != (len(connections), 2):
            raise InvalidMazeError(f"{field}: expected shape ({len(connections)}, 2), got {cells.shape}.")
        if cells.dtype != np.int16:
            raise InvalidMazeError(f"{field}: expected int16, got {cells.dtype}.")


def find_leak(connections: ndarray) -> tuple[int, str]:
    """Return the first maze with an open border and what is wrong; the number of mazes and "" if all are closed."""
    leaks = np.stack([connections[:, 0, -1, :].any(axis=1), connections[:, 1, :, -1].any(axis=1)])
    if not leaks.any():
        return len(connections), ""
    first = int(np.argmax(leaks.any(axis=0)))
    way = "downward from the last row" if leaks[0, first] else "right from the last column"
    return first, f"connections lead {way}: the border must be closed."


def find_outside(field: str, cells: ndarray, shape: tuple[int, int]) -> tuple[int, str]:
    """Return the first maze whose cell lies off the grid and what is wrong; the number of mazes and "" if none does."""
    outside = ((cells < 0) | (cells >= np.asarray(shape))).any(axis=1)
    if not outside.any():
        return len(cells), ""
    first = int(np.argmax(outside))
    return first, _outside(field, tuple(map(int, cells[first])), shape)


def as_cell(field: str, cell: Sequence[int] | ndarray, shape: tuple[int, ...]) -> Cell:
    """Return `cell` as two integers on the grid; checked before int16 could wrap them.

    Raises:
        InvalidMazeError: It is no cell of the grid.
    """
    try:
        row, col = map(operator.index, cell)
    except (TypeError, ValueError):
        raise InvalidMazeError(f"{field}: expected a cell (row, col), got {cell!r}.") from None
    if not (0 <= row < shape[0] and 0 <= col < shape[1]):
        raise InvalidMazeError(_outside(field, (row, col), shape))
    return row, col


def _outside(field: str, cell: tuple[int, ...], shape: tuple[int, ...]) -> str:
    return f"{field} {cell} lies outside the {shape[0]} x {shape[1]} grid."
