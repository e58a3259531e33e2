"""Mazes as structs of arrays: `MazeBatch` (one shape), `MazeCollection` (several), `Maze` (one row).

`connections[0, r, c]`: (r, c)-(r+1, c) is open; `connections[1, r, c]`: (r, c)-(r, c+1) is open (the
convention of maze-dataset). Construction checks the invariants once: shapes, a closed border, endpoints
inside the grid and connected; the error names the first offending maze and field.
"""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int16
from numpy import ndarray

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.breadth_first import endpoints_connected
from maze_rl.mazes.displayed import DisplayedMaze, DisplayedMazes

Cell = tuple[int, int]
LARGEST_SIDE = 2**15 - 1
"""Most rows or cols of a grid: coordinates are int16."""


@dataclass(frozen=True, eq=False)
class MazeBatch(DisplayedMazes):
    """Mazes of one shape.

    Raises:
        InvalidMazeError: An invariant does not hold; names the first offending maze and field.
    """

    connections: Bool[ndarray, "batch 2 rows cols"]
    origins: Int16[ndarray, "batch 2"]
    targets: Int16[ndarray, "batch 2"]

    def __post_init__(self) -> None:
        _check_shapes(self)
        # kernels read the edges of a maze as one row of memory
        object.__setattr__(self, "connections", np.ascontiguousarray(self.connections))
        faults = [find_leak(self.connections)]
        faults += [_find_outside(field, getattr(self, field), self.shape) for field in ("origins", "targets")]
        first, message = min(faults, key=lambda fault: fault[0])
        linked = endpoints_connected(self.connections[:first], self.origins[:first], self.targets[:first])
        if not linked.all():
            first = int(np.argmin(linked))
            message = "target cannot be reached from origin: open walls or move an endpoint."
        if message:
            raise InvalidMazeError(f"maze {first}: {message}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.connections.shape[2], self.connections.shape[3]

    def __len__(self) -> int:
        return len(self.connections)

    def __getitem__(self, index: int) -> "Maze":
        return Maze._view(self.connections[index], self.origins[index], self.targets[index])

    def __iter__(self) -> Iterator["Maze"]:
        return (self[index] for index in range(len(self)))

    def take(self, indices: "Int[ndarray, ' chosen'] | slice") -> "MazeBatch":
        """Return the mazes at `indices`, without checking them again."""
        chosen = np.ascontiguousarray(self.connections[indices])
        return trusted_batch(chosen, self.origins[indices], self.targets[indices])


def trusted_batch(connections: ndarray, origins: ndarray, targets: ndarray) -> MazeBatch:
    """Build a `MazeBatch` from arrays already known to be valid (fresh from a generator, or a slice)."""
    batch = object.__new__(MazeBatch)
    for name, value in (("connections", connections), ("origins", origins), ("targets", targets)):
        object.__setattr__(batch, name, value)
    return batch


class Maze(DisplayedMaze):
    """One maze with an origin and a target: a view of one row of a `MazeBatch`.

    Args:
        connections: Open edges, Bool[2, rows, cols].
        origin: Start cell (row, col).
        target: Goal cell (row, col); must be reachable from `origin`.

    Raises:
        InvalidMazeError: The arrays are no maze; names the field.
    """

    __slots__ = ("connections", "origin", "target")
    connections: Bool[ndarray, "2 rows cols"]
    origin: Cell
    target: Cell

    def __init__(self, connections: ndarray, origin: Sequence[int], target: Sequence[int]) -> None:
        array = np.asarray(connections)
        if array.ndim != 3 or array.shape[0] != 2:
            raise InvalidMazeError(f"connections: expected Bool[2, rows, cols], got shape {array.shape}.")
        ends = [_as_cell(field, cell, array.shape[1:]) for field, cell in (("origin", origin), ("target", target))]
        batch = MazeBatch(array[None], *np.array(ends).astype(np.int16)[:, None])
        self._set(batch.connections[0], batch.origins[0], batch.targets[0])

    @classmethod
    def _view(cls, connections: ndarray, origin: ndarray, target: ndarray) -> "Maze":
        maze = object.__new__(cls)
        maze._set(connections, origin, target)
        return maze

    def _set(self, connections: ndarray, origin: ndarray, target: ndarray) -> None:
        self.connections = connections
        self.origin = (int(origin[0]), int(origin[1]))
        self.target = (int(target[0]), int(target[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.connections.shape[1], self.connections.shape[2]

    def neighbours(self, cell: Cell) -> list[Cell]:
        """List the cells one open step away from `cell`, in the order down, right, up, left."""
        row, col = cell
        down, right = self.connections
        steps = (
            ((row + 1, col), bool(down[row, col])),
            ((row, col + 1), bool(right[row, col])),
            ((row - 1, col), row > 0 and bool(down[row - 1, col])),
            ((row, col - 1), col > 0 and bool(right[row, col - 1])),
        )
        return [neighbour for neighbour, is_open in steps if is_open]

    def as_batch(self) -> MazeBatch:
        """Return a batch that holds this maze alone."""
        return trusted_batch(
            self.connections[None], np.array([self.origin], np.int16), np.array([self.target], np.int16)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Maze):
            return NotImplemented
        same_endpoints = (self.origin, self.target) == (other.origin, other.target)
        return same_endpoints and np.array_equal(self.connections, other.connections)

    def __hash__(self) -> int:
        return hash((self.shape, self.origin, self.target, np.packbits(self.connections).tobytes()))

    def __repr__(self) -> str:
        rows, cols = self.shape
        return f"<Maze {rows}x{cols} {self.origin} -> {self.target}>"


@dataclass(frozen=True, eq=False)
class MazeCollection(DisplayedMazes):
    """Mazes of several shapes in one order: one batch per shape, and where each maze lies.

    Maze i is row ``row_of[i]`` of ``batches[batch_of[i]]``.
    """

    batches: tuple[MazeBatch, ...]
    batch_of: Int[ndarray, " num"]
    row_of: Int[ndarray, " num"]

    @classmethod
    def from_batch(cls, batch: MazeBatch) -> "MazeCollection":
        """Wrap one batch, keeping its order."""
        return cls((batch,), np.zeros(len(batch), np.int64), np.arange(len(batch)))

    @classmethod
    def concatenate(cls, parts: Sequence["MazeCollection"]) -> "MazeCollection":
        """Join collections one after another; batches of equal shape stay separate."""
        batches = tuple(batch for part in parts for batch in part.batches)
        first_batch = np.cumsum([0] + [len(part.batches) for part in parts])
        batch_of = [part.batch_of + first for part, first in zip(parts, first_batch, strict=False)]
        return cls(batches, np.concatenate(batch_of), np.concatenate([part.row_of for part in parts]))

    def __len__(self) -> int:
        return len(self.batch_of)

    def __getitem__(self, index: int) -> Maze:
        return self.batches[self.batch_of[index]][int(self.row_of[index])]

    def __iter__(self) -> Iterator[Maze]:
        return (self[index] for index in range(len(self)))

    def take(self, rows: Int[ndarray, " chosen"]) -> "MazeCollection":
        """Return the mazes at `rows`, in that order."""
        batches, batch_of, row_of = [], np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
        for position, batch in enumerate(self.batches):
            where = np.flatnonzero(self.batch_of[rows] == position)
            if len(where):
                batch_of[where], row_of[where] = len(batches), np.arange(len(where))
                batches.append(batch.take(self.row_of[rows[where]]))
        return MazeCollection(tuple(batches), batch_of, row_of)

    def indices_of(self, batch_index: int) -> Int[ndarray, " rows"]:
        """Return the positions in the collection of the rows of one batch, in row order."""
        where = np.flatnonzero(self.batch_of == batch_index)
        order = np.empty(len(where), np.int64)
        order[self.row_of[where]] = where
        return order


def collect(mazes: Sequence[Maze]) -> MazeCollection:
    """Put mazes of any shapes into one collection, in their order."""
    shapes = sorted({maze.shape for maze in mazes})
    batch_of = np.array([shapes.index(maze.shape) for maze in mazes], np.int64)
    row_of, batches = np.empty(len(mazes), np.int64), []
    for position in range(len(shapes)):
        where = np.flatnonzero(batch_of == position)
        row_of[where] = np.arange(len(where))
        chosen = [mazes[int(index)] for index in where]
        ends = (np.array([getattr(maze, name) for maze in chosen], np.int16) for name in ("origin", "target"))
        batches.append(trusted_batch(np.stack([maze.connections for maze in chosen]), *ends))
    return MazeCollection(tuple(batches), batch_of, row_of)


def _check_shapes(batch: MazeBatch) -> None:
    connections, origins, targets = batch.connections, batch.origins, batch.targets
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


def _find_outside(field: str, cells: ndarray, shape: tuple[int, int]) -> tuple[int, str]:
    """Return the first maze whose cell lies off the grid and what is wrong; the number of mazes and "" if none does."""
    outside = ((cells < 0) | (cells >= np.asarray(shape))).any(axis=1)
    if not outside.any():
        return len(cells), ""
    first = int(np.argmax(outside))
    return first, _outside(field, tuple(map(int, cells[first])), shape)


def _outside(field: str, cell: tuple[int, ...], shape: tuple[int, ...]) -> str:
    return f"{field} {cell} lies outside the {shape[0]} x {shape[1]} grid."


def _as_cell(field: str, cell: Sequence[int], shape: tuple[int, ...]) -> Cell:
    """Return `cell` as two integers on the grid; checked before int16 could wrap them."""
    try:
        row, col = map(operator.index, cell)
    except (TypeError, ValueError):
        raise InvalidMazeError(f"{field}: expected a cell (row, col), got {cell!r}.") from None
    if not (0 <= row < shape[0] and 0 <= col < shape[1]):
        raise InvalidMazeError(_outside(field, (row, col), shape))
    return row, col
