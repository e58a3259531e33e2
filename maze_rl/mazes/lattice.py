"""Mazes as structs of arrays: `MazeBatch` (one shape), `MazeCollection` (several), `Maze` (one row).

`connections[0, r, c]`: (r, c)-(r+1, c) is open; `connections[1, r, c]`: (r, c)-(r, c+1) is open (the
convention of maze-dataset). Construction checks the invariants once: shapes, a closed border, endpoints
inside the grid and connected; the error names the first offending maze and field.

Batches, collections and stored datasets are sequences of mazes (`MazeSequence`): slices, lists of numbers and masks
choose from them, and two are equal when they hold equal mazes in the same order. Where mazes are asked for, any of them
does, a single maze and a list of mazes too (`Mazes`, `as_collection`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Int16, Int64
from numpy import ndarray

from maze_rl.errors import InvalidMazeError, MazeRLError
from maze_rl.mazes.breadth_first import endpoints_connected
from maze_rl.mazes.displayed import DisplayedMaze, DisplayedMazes
from maze_rl.mazes.duplicates import Arrays
from maze_rl.mazes.lattice_checks import LARGEST_SIDE as LARGEST_SIDE
from maze_rl.mazes.lattice_checks import Cell, as_cell, check_shapes, find_leak, find_outside
from maze_rl.mazes.maze_sequence import MazeSequence
from maze_rl.mazes.selection import chosen_rows


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

    def __init__(self, connections: ndarray, origin: Sequence[int] | ndarray, target: Sequence[int] | ndarray) -> None:
        try:
            array = np.asarray(connections)
        except ValueError:  # numpy's word for rows of different lengths
            raise InvalidMazeError(
                "connections: expected Bool[2, rows, cols], got rows of different lengths."
            ) from None
        if array.ndim != 3 or array.shape[0] != 2:
            raise InvalidMazeError(f"connections: expected Bool[2, rows, cols], got shape {array.shape}.")
        ends = [as_cell(field, cell, array.shape[1:]) for field, cell in (("origin", origin), ("target", target))]
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

    def neighbours(self, cell: Sequence[int] | ndarray) -> list[Cell]:
        """List the cells one open step away from `cell`, in the order down, right, up, left.

        Raises:
            InvalidMazeError: It is no cell of the grid.
        """
        row, col = as_cell("cell", cell, self.shape)
        down, right = self.connections
        steps = (
            ((row + 1, col), bool(down[row, col])),
            ((row, col + 1), bool(right[row, col])),
            ((row - 1, col), row > 0 and bool(down[row - 1, col])),
            ((row, col - 1), col > 0 and bool(right[row, col - 1])),
        )
        return [neighbour for neighbour, is_open in steps if is_open]

    def as_batch(self) -> "MazeBatch":
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
class MazeBatch(DisplayedMazes, MazeSequence[Maze, "MazeBatch"]):
    """Mazes of one shape.

    Raises:
        InvalidMazeError: An invariant does not hold; names the first offending maze and field.
    """

    connections: Bool[ndarray, "batch 2 rows cols"]
    origins: Int16[ndarray, "batch 2"]
    targets: Int16[ndarray, "batch 2"]

    def __post_init__(self) -> None:
        check_shapes(*self.arrays)
        # kernels read the edges of a maze as one row of memory
        object.__setattr__(self, "connections", np.ascontiguousarray(self.connections))
        faults = [find_leak(self.connections)]
        faults += [find_outside(field, getattr(self, field), self.shape) for field in ("origins", "targets")]
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

    @property
    def arrays(self) -> Arrays:
        """Connections, origins and targets."""
        return self.connections, self.origins, self.targets

    def __len__(self) -> int:
        return len(self.connections)

    def _row(self, row: int) -> Maze:
        return Maze._view(self.connections[row], self.origins[row], self.targets[row])

    def take(self, rows: Any) -> "MazeBatch":
        """Return the mazes that a slice, numbers or a mask choose, in that order, without checking them again."""
        chosen = rows if isinstance(rows, slice) else chosen_rows(rows, len(self))
        # contiguous, as all batches are: another memory layout would compile every kernel a second time
        return trusted_batch(*(np.ascontiguousarray(array[chosen]) for array in self.arrays))

    def all(self) -> "MazeCollection":
        """Return the batch as a collection."""
        return MazeCollection.from_batch(self)


def trusted_batch(connections: ndarray, origins: ndarray, targets: ndarray) -> MazeBatch:
    """Build a `MazeBatch` from arrays already known to be valid (fresh from a generator, or a slice)."""
    batch = object.__new__(MazeBatch)
    for name, value in (("connections", connections), ("origins", origins), ("targets", targets)):
        object.__setattr__(batch, name, value)
    return batch


@dataclass(frozen=True, eq=False)
class MazeCollection(DisplayedMazes, MazeSequence[Maze, "MazeCollection"]):
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
    def concatenate(cls, parts: "Iterable[Mazes]") -> "MazeCollection":
        """Join collections, batches, datasets, lists of mazes and single mazes, one after another."""
        collections = [as_collection(part) for part in parts]
        batches = tuple(batch for part in collections for batch in part.batches)
        first_batch = np.cumsum([0] + [len(part.batches) for part in collections])
        batch_of = [part.batch_of + first for part, first in zip(collections, first_batch, strict=False)]
        row_of = [part.row_of for part in collections]
        none = [np.empty(0, np.int64)]
        joined = cls(batches, np.concatenate(batch_of or none), np.concatenate(row_of or none))
        return joined if len({batch.shape for batch in batches}) == len(batches) else joined._one_batch_per_shape()

    def __len__(self) -> int:
        return len(self.batch_of)

    def _row(self, row: int) -> Maze:
        return self.batches[self.batch_of[row]]._row(int(self.row_of[row]))

    def __iter__(self) -> Iterator[Maze]:
        places = zip(self.batch_of.tolist(), self.row_of.tolist(), strict=True)
        return (self.batches[batch]._row(row) for batch, row in places)

    def take(self, rows: Any) -> "MazeCollection":
        """Return the mazes that a slice, numbers or a mask choose, in that order."""
        chosen = chosen_rows(rows, len(self))
        batches, batch_of, row_of = [], np.empty(len(chosen), np.int64), np.empty(len(chosen), np.int64)
        for number, where in self.batches_behind(chosen):
            batch_of[where], row_of[where] = len(batches), np.arange(len(where))
            batches.append(self.batches[number].take(self.row_of[chosen[where]]))
        return MazeCollection(tuple(batches), batch_of, row_of)

    def all(self) -> "MazeCollection":
        """Return the collection itself."""
        return self

    def batches_behind(self, rows: Int[ndarray, " chosen"]) -> Iterator[tuple[int, Int64[ndarray, " some"]]]:
        """Yield the number of each batch that `rows` lie in, and which of `rows` do; numbers ascend."""
        home = self.batch_of[rows]
        return ((int(number), np.flatnonzero(home == number)) for number in np.unique(home))

    def indices_of(self, batch_index: int) -> Int[ndarray, " rows"]:
        """Return the positions in the collection of the rows of one batch, in row order."""
        where = np.flatnonzero(self.batch_of == batch_index)
        order = np.empty(len(where), np.int64)
        order[self.row_of[where]] = where
        return order

    def places_of(self, maze: object) -> Int64[ndarray, " places"]:
        """Return where `maze` stands, ascending."""
        found = [np.empty(0, np.int64)]
        for number, batch in enumerate(self.batches):
            if isinstance(maze, Maze) and batch.shape == maze.shape:
                ends = (batch.origins == maze.origin) & (batch.targets == maze.target)
                rows = np.flatnonzero(ends.all(axis=1))
                rows = rows[(batch.connections[rows] == maze.connections).all(axis=(1, 2, 3))]
                found.append(self.indices_of(number)[rows])
        return np.sort(np.concatenate(found))

    def holds(self, mazes: "Mazes") -> bool:
        """Tell whether these are the mazes of the collection, all of them, in its order."""
        others = as_collection(mazes)
        theirs = others.by_shape()
        for shape, (places, batch) in self.by_shape().items():
            their_places, other = theirs.get(shape, (places[:0], batch[:0]))
            if not np.array_equal(places, their_places) or not all(map(np.array_equal, batch.arrays, other.arrays)):
                return False
        return len(others) == len(self)

    def by_shape(self) -> dict[tuple[int, int], tuple[ndarray, MazeBatch]]:
        """Return by shape (rows, cols) where its mazes stand, Int[rows] ascending, and the mazes in that order."""
        numbers: dict[tuple[int, int], list[int]] = {}
        for number, batch in enumerate(self.batches):
            numbers.setdefault(batch.shape, []).append(number)
        found = {}
        for shape in sorted(numbers):
            places = np.concatenate([self.indices_of(number) for number in numbers[shape]])
            parts = [self.batches[number] for number in numbers[shape]]
            whole = parts[0] if len(parts) == 1 else _joined(parts)
            order = np.argsort(places)
            in_order = bool((np.diff(places) > 0).all())
            found[shape] = (places, whole) if in_order else (places[order], whole.take(order))
        return found

    def _one_batch_per_shape(self) -> "MazeCollection":
        batches, batch_of, row_of = [], np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        for places, batch in self.by_shape().values():
            batch_of[places], row_of[places] = len(batches), np.arange(len(places))
            batches.append(batch)
        return MazeCollection(tuple(batches), batch_of, row_of)


Mazes = Maze | MazeSequence | Iterable[Maze]
"""Whatever holds mazes: one, a batch, a collection, a stored dataset, a list."""


def as_collection(mazes: Mazes) -> MazeCollection:
    """Return mazes of any kind as a collection, in their order; a stored dataset is read whole.

    Raises:
        MazeRLError: They are no mazes.
    """
    if isinstance(mazes, Maze):
        return MazeCollection.from_batch(mazes.as_batch())
    return mazes.all() if isinstance(mazes, MazeSequence) else collect(mazes)


def collect(mazes: Iterable[Maze]) -> MazeCollection:
    """Put mazes of any shapes into one collection, in their order.

    Raises:
        MazeRLError: Something among them is no maze.
    """
    listed = list(mazes) if isinstance(mazes, Iterable) else [mazes]
    strange = next((place for place, maze in enumerate(listed) if not isinstance(maze, Maze)), None)
    if strange is not None:
        kind = type(listed[strange]).__name__
        raise MazeRLError(f"expected mazes, got {kind} at place {strange}: maze_rl.load_mazes reads them from files.")
    ends = [np.array([getattr(maze, end) for maze in listed], np.int16) for end in ("origin", "target")]
    shape_of = [maze.connections.shape for maze in listed]
    number = {shape: position for position, shape in enumerate(sorted(set(shape_of)))}
    batch_of = np.array([number[shape] for shape in shape_of], np.int64)
    row_of, batches = np.empty(len(listed), np.int64), []
    for shape, position in number.items():
        where = np.flatnonzero(batch_of == position)
        row_of[where] = np.arange(len(where))
        # joining along the first axis is several times as fast as stacking
        connections = np.concatenate([listed[index].connections for index in where.tolist()])
        batches.append(trusted_batch(connections.reshape(len(where), *shape), *(cells[where] for cells in ends)))
    return MazeCollection(tuple(batches), batch_of, row_of)


def _joined(batches: Sequence[MazeBatch]) -> MazeBatch:
    """Return batches of one shape one after another."""
    return trusted_batch(*map(np.concatenate, zip(*(batch.arrays for batch in batches), strict=True)))
