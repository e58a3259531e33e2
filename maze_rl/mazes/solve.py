"""Breadth-first solver, exact on any graph: distances, path counts, a uniform shortest path, optimal moves.

Cyclic mazes often have several shortest paths; every one of them is right. The number of shortest paths
from v obeys N(target) = 1, N(v) = sum of N(w) over neighbours w with d(w) = d(v) - 1; walking from the
origin to a neighbour w with probability N(w) / N(v) draws each shortest path equally often. Drawing is exact
in integers while the counts stay below 2^62 (open grids up to 33 x 33); beyond, the probabilities come from
logarithms in float64, right to about 12 digits. `path_count` is always an exact integer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, no_type_check, overload

import numpy as np
from jaxtyping import Int16, Int32, Int64
from numba import njit
from numpy import ndarray

from maze_rl.displays.short_repr import counted
from maze_rl.errors import MazeRLError
from maze_rl.mazes.breadth_first import distances_from, is_open, link_to, step
from maze_rl.mazes.counter_random import below_exact, start_stream, uniform
from maze_rl.mazes.displayed import DisplayedMaze, DisplayedMazes
from maze_rl.mazes.lattice import Cell, Maze, MazeBatch, MazeCollection, Mazes, as_collection
from maze_rl.mazes.lattice_checks import as_cell
from maze_rl.mazes.selection import RowSequence, chosen_rows
from maze_rl.seeding import stream_key

_OVERFLOW = np.int64(1) << np.int64(62)


@dataclass(frozen=True, eq=False)
class Solution(DisplayedMaze):
    """The shortest paths of one maze."""

    maze: Maze
    distances: Int32[ndarray, "rows cols"]
    """Steps to the target; -1 where it cannot be reached."""
    path: list[Cell]
    """One shortest path from origin to target, both included, drawn uniformly among all."""

    @property
    def distance(self) -> int:
        """Steps from origin to target."""
        return int(self.distances[self.maze.origin])

    @cached_property
    def path_count(self) -> int:
        """Number of different shortest paths, an exact integer of any size."""
        counts, exact, _ = count_batch(*self.maze.as_batch().arrays)
        return int(counts[0]) if exact[0] else count_paths(self.maze, self.distances)

    def _headline(self) -> str:
        rows, cols = self.maze.shape
        return f"{rows}x{cols}, {counted(self.distance, 'step')}, {self.maze.origin} -> {self.maze.target}"

    def paths(self) -> Iterator[list[Cell]]:
        """Iterate over all shortest paths, `path_count` of them, one at a time: there may be 10^40.

        Each is a list of cells as `path` is. Where two paths part, the one that goes down comes first, then right, up,
        left; `itertools.islice` takes the first few.
        """
        nearer: dict[Cell, list[Cell]] = {}
        path: list[Cell] = []
        choices = [iter([self.maze.origin])]
        while choices:
            cell = next(choices[-1], None)
            if cell is None:  # every way on from the last cell was taken
                choices.pop()
                del path[-1:]
                continue
            path.append(cell)
            if cell == self.maze.target:
                yield path.copy()
                path.pop()
                continue
            if cell not in nearer:
                nearer[cell] = self.optimal_next(cell)
            choices.append(iter(nearer[cell]))

    def optimal_next(self, cell: Sequence[int] | ndarray) -> list[Cell]:
        """List the neighbours of `cell` that are one step nearer to the target: every one is right.

        Raises:
            MazeRLError: The cell lies outside the grid or cannot reach the target.
        """
        place = as_cell("cell", cell, self.maze.shape)
        if self.distances[place] < 0:
            rows, cols = self.maze.shape
            raise MazeRLError(
                f"cell {place} has no way to the target: give a cell of the {rows} x {cols} grid that does."
            )
        nearer = self.distances[place] - 1
        return [neighbour for neighbour in self.maze.neighbours(place) if self.distances[neighbour] == nearer]


@dataclass(frozen=True, eq=False)
class BatchSolution(DisplayedMazes, RowSequence[Solution, "BatchSolution"]):
    """The shortest paths of a batch, as arrays; ``[...]`` takes one solution, or some as another `BatchSolution`."""

    batch: MazeBatch
    paths: Int16[ndarray, "batch length 2"]
    """One shortest path each, drawn uniformly among all; rows past the end hold -1."""
    lengths: Int64[ndarray, " batch"]
    """Steps on the shortest path; a path has ``lengths + 1`` cells."""

    def __len__(self) -> int:
        return len(self.batch)

    def _row(self, row: int) -> Solution:
        cells = self.paths[row, : self.lengths[row] + 1]
        return Solution(self.batch[row], self.distances[row], [(int(r), int(c)) for r, c in cells])

    def take(self, rows: Any) -> "BatchSolution":
        """Return the solutions that a slice, numbers or a mask choose, in that order."""
        chosen = chosen_rows(rows, len(self))
        return BatchSolution(self.batch.take(chosen), self.paths[chosen], self.lengths[chosen])

    @cached_property
    def distances(self) -> Int32[ndarray, "batch rows cols"]:
        """Steps to the target from every cell; -1 where it cannot be reached."""
        return _distance_fields(self.batch.connections, self.batch.targets)

    @cached_property
    def path_counts(self) -> list[int]:
        """Number of shortest paths of each maze, exact integers."""
        counts, exact, _ = count_batch(self.batch.connections, self.batch.origins, self.batch.targets)
        return [int(n) if ok else self[i].path_count for i, (n, ok) in enumerate(zip(counts, exact, strict=True))]


@dataclass(frozen=True, eq=False)
class CollectionSolution(DisplayedMazes, RowSequence[Solution, "CollectionSolution"]):
    """The solutions of a collection in its order, one `BatchSolution` per batch; ``[...]`` takes one or some."""

    mazes: MazeCollection
    batches: tuple[BatchSolution, ...]

    def __len__(self) -> int:
        return len(self.mazes)

    def _row(self, row: int) -> Solution:
        return self.batches[self.mazes.batch_of[row]]._row(int(self.mazes.row_of[row]))

    def take(self, rows: Any) -> "CollectionSolution":
        """Return the solutions that a slice, numbers or a mask choose, in that order."""
        chosen = chosen_rows(rows, len(self))
        mazes, batches = self.mazes.take(chosen), []
        for batch, (number, where) in zip(mazes.batches, self.mazes.batches_behind(chosen), strict=True):
            solved, its_rows = self.batches[number], self.mazes.row_of[chosen[where]]
            batches.append(BatchSolution(batch, solved.paths[its_rows], solved.lengths[its_rows]))
        return CollectionSolution(mazes, tuple(batches))

    @cached_property
    def lengths(self) -> Int64[ndarray, " num"]:
        """Steps on the shortest path of each maze."""
        found = np.empty(len(self), np.int64)
        for number, solved in enumerate(self.batches):
            found[self.mazes.indices_of(number)] = solved.lengths
        return found

    @cached_property
    def path_counts(self) -> list[int]:
        """Number of shortest paths of each maze, exact integers."""
        counts = [solved.path_counts for solved in self.batches]
        places = zip(self.mazes.batch_of.tolist(), self.mazes.row_of.tolist(), strict=True)
        return [counts[batch][row] for batch, row in places]


@overload
def solve(mazes: Maze, seed: int = 0) -> Solution: ...
@overload
def solve(mazes: MazeBatch, seed: int = 0) -> BatchSolution: ...  # type: ignore[overload-overlap]
@overload
def solve(mazes: Iterable[Maze], seed: int = 0) -> CollectionSolution: ...
def solve(mazes: Mazes, seed: int = 0) -> Solution | BatchSolution | CollectionSolution:
    """Find the shortest paths of one maze, a batch, or a collection.

    Args:
        mazes: What to solve; a stored dataset or a list of mazes counts as a collection, and is read whole.
        seed: Chooses which of several shortest paths `path` holds; path i depends on (maze, seed, i).
    """
    if isinstance(mazes, MazeBatch):
        return solve_batch(mazes, seed)
    if isinstance(mazes, Maze):
        return solve_batch(mazes.as_batch(), seed)[0]
    collection = as_collection(mazes)
    batches = (solve_batch(batch, seed, collection.indices_of(i)) for i, batch in enumerate(collection.batches))
    return CollectionSolution(collection, tuple(batches))


def solve_batch(batch: MazeBatch, seed: int = 0, indices: Int64[ndarray, " batch"] | None = None) -> BatchSolution:
    """Solve a batch; maze j draws its path from stream ``indices[j]`` (default: its row) of `seed`."""
    streams = np.arange(len(batch)) if indices is None else indices
    key = np.uint64(stream_key(seed, "paths"))
    lengths, cells = _find_paths(batch.connections, batch.origins, batch.targets, streams, key)
    return BatchSolution(batch, _as_paths(cells, lengths, int(lengths.max(initial=0)) + 1, batch.shape[1]), lengths)


def count_paths(maze: Maze, distances: Int32[ndarray, "rows cols"]) -> int:
    """Count the shortest paths of one maze in Python integers, which cannot overflow."""
    reached = sorted(zip(*np.nonzero(distances >= 0), strict=True), key=lambda cell: distances[cell])
    counts: dict[Cell, int] = {maze.target: 1}
    for cell in reached:
        if cell != maze.target:
            nearer = (w for w in maze.neighbours((int(cell[0]), int(cell[1]))) if distances[w] == distances[cell] - 1)
            counts[(int(cell[0]), int(cell[1]))] = sum(counts[w] for w in nearer)
    return counts[maze.origin]


@njit(cache=True, nogil=True)
@no_type_check
def _distance_fields(connections, targets):
    batch, _, rows, cols = connections.shape
    queue = np.empty(rows * cols, np.int32)
    distances = np.empty((batch, rows, cols), np.int32)
    for index in range(batch):
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        distances_from(connections[index], target, distances[index].reshape(rows * cols), queue)
    return distances


@njit(cache=True, nogil=True)
@no_type_check
def count_field(connections, target, distances, queue, counts):
    """Fill `counts` (Int64[cells]) with numbers of shortest paths to `target`; False if one overflows 2^62."""
    cols = connections.shape[2]
    reached = distances_from(connections, target, distances, queue)
    counts[:] = 0
    counts[target] = 1
    for position in range(1, reached):
        cell = queue[position]
        total = np.int64(0)
        for direction in range(4):
            if is_open(connections, cell, direction):
                neighbour = step(cell, direction, cols)
                if distances[neighbour] == distances[cell] - 1:
                    total += counts[neighbour]
                    if total >= _OVERFLOW:
                        return False
        counts[cell] = total
    return True


@njit(cache=True, nogil=True)
@no_type_check
def log_count_field(connections, target, distances, queue, logs):
    """Fill `logs` (Float64[cells]) with natural logarithms of numbers of shortest paths, for counts beyond 2^62."""
    cols = connections.shape[2]
    reached = distances_from(connections, target, distances, queue)
    logs[:] = -np.inf
    logs[target] = 0.0
    for position in range(1, reached):
        cell = queue[position]
        for direction in range(4):
            if is_open(connections, cell, direction):
                neighbour = step(cell, direction, cols)
                if distances[neighbour] == distances[cell] - 1:
                    logs[cell] = np.logaddexp(logs[cell], logs[neighbour])


@njit(cache=True, nogil=True)
@no_type_check
def count_batch(connections, origins, targets):
    """Return Int64[batch]: numbers of shortest paths; Bool[batch]: which are exact, below 2^62; Int32[batch]: steps."""
    batch, _, rows, cols = connections.shape
    distances, queue = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    counts = np.empty(rows * cols, np.int64)
    totals, exact, lengths = np.empty(batch, np.int64), np.empty(batch, np.bool_), np.empty(batch, np.int32)
    for index in range(batch):
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        exact[index] = count_field(connections[index], target, distances, queue, counts)
        origin = np.int64(origins[index, 0]) * cols + origins[index, 1]
        totals[index], lengths[index] = counts[origin], distances[origin]
    return totals, exact, lengths


@njit(cache=True, nogil=True)
@no_type_check
def _find_paths(connections, origins, targets, streams, key):
    """Return Int64[batch]: steps of the shortest paths; and Int32[...]: the cells of one each, one after another."""
    batch, _, rows, cols = connections.shape
    cells = rows * cols
    lengths, found = np.empty(batch, np.int64), np.empty(cells + 16 * batch, np.int32)
    distances, queue, links = np.empty(cells, np.int32), np.empty(cells, np.int32), np.empty(cells, np.int32)
    state, filled = np.empty(2, np.uint64), 0
    for index in range(batch):
        origin = np.int64(origins[index, 0]) * cols + origins[index, 1]
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        several = link_to(connections[index], target, origin, distances, queue, links)
        length = distances[origin]
        lengths[index] = length
        if filled + length + 1 > len(found):
            longer = np.empty(2 * len(found) + cells, np.int32)
            longer[:filled] = found[:filled]
            found = longer
        path = found[filled : filled + length + 1]
        filled += length + 1
        if several:
            start_stream(state, key, streams[index])
            _walk_at_random(connections[index], origin, target, distances, state, path)
        else:
            cell = origin
            for position in range(length + 1):
                path[position] = cell
                cell = links[cell]
    return lengths, found[:filled]


@njit(cache=True, nogil=True)
@no_type_check
def _as_paths(cells, lengths, longest, cols):
    """Return Int16[batch, longest, 2]: each path as (row, col), filled up with -1."""
    paths = np.full((len(lengths), longest, 2), -1, np.int16)
    taken = 0
    for index in range(len(lengths)):
        for position in range(lengths[index] + 1):
            cell = cells[taken]
            taken += 1
            row = cell // cols
            paths[index, position, 0], paths[index, position, 1] = row, cell - row * cols
    return paths


@njit(cache=True, nogil=True)
@no_type_check
def _walk_at_random(connections, origin, target, nearness, state, path):
    """Write one shortest path, each as likely; path counts are computed only where there is a choice on the way.

    `nearness` holds the steps to the target of all cells nearer than the origin.
    """
    _, rows, cols = connections.shape
    options = np.empty(4, np.int64)
    counted, exact = False, True
    counts, logs = np.empty(0, np.int64), np.empty(0, np.float64)
    cell = origin
    for position in range(len(path)):
        path[position] = cell
        if cell == target:
            break
        num_options = 0
        for direction in range(4):
            if is_open(connections, cell, direction):
                neighbour = step(cell, direction, cols)
                if nearness[neighbour] == nearness[cell] - 1:
                    options[num_options] = neighbour
                    num_options += 1
        if num_options > 1 and not counted:
            counted = True
            counts = np.empty(rows * cols, np.int64)
            queue, scratch = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
            exact = count_field(connections, target, scratch, queue, counts)
            if not exact:
                logs = np.empty(rows * cols, np.float64)
                log_count_field(connections, target, scratch, queue, logs)
        if num_options == 1:
            cell = options[0]
        elif exact:
            cell = _choose(state, options[:num_options], counts)
        else:
            cell = _choose_by_logarithm(state, options[:num_options], logs)


@njit(cache=True, nogil=True)
@no_type_check
def _choose(state, options, counts):
    total = np.uint64(0)
    for option in options:
        total += np.uint64(counts[option])
    remaining = below_exact(state, total)
    for option in options:
        if remaining < np.uint64(counts[option]):
            return option
        remaining -= np.uint64(counts[option])
    return options[-1]


@njit(cache=True, nogil=True)
@no_type_check
def _choose_by_logarithm(state, options, logs):
    largest = -np.inf
    for option in options:
        largest = max(largest, logs[option])
    total = 0.0
    for option in options:
        total += np.exp(logs[option] - largest)
    remaining = uniform(state) * total
    for option in options:
        remaining -= np.exp(logs[option] - largest)
        if remaining < 0.0:
            return option
    return options[-1]
