"""Numbers about every maze of a batch: path length, number of shortest paths, forks, dead ends, loops.

One pass of compiled code per maze, over its breadth-first distances. A *fork* is a cell with three or four
open steps, a *dead end* one with a single open step. A *decision* is a position of the shortest path with
more than one way on besides turning back (at the origin, more than one way at all). *Loops* are the
independent cycles of the part that is connected to the target: edges - cells + 1.
"""

from dataclasses import dataclass, fields
from typing import no_type_check

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.displays.short_repr import Shown, counted
from maze_rl.mazes.breadth_first import degree
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import count_field, solve_batch
from maze_rl.mazes.splits import maze_hashes

MOST_PATHS = 1 << 62
"""Numbers of shortest paths are exact below this; it stands for itself or more."""
_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class MazeMeasures(Shown):
    """One number of each kind per maze."""

    distance: Int32[ndarray, " num"]
    """Steps from origin to target on a shortest path."""
    manhattan: Int32[ndarray, " num"]
    """Steps if there were no walls."""
    path_count: Int64[ndarray, " num"]
    """Number of shortest paths, at most `MOST_PATHS`."""
    decisions: Int32[ndarray, " num"]
    """Decisions along one shortest path, drawn uniformly."""
    forks: Int32[ndarray, " num"]
    """Cells with three or four open steps."""
    dead_ends: Int32[ndarray, " num"]
    """Cells with one open step."""
    loops: Int32[ndarray, " num"]
    """Independent cycles of the part connected to the target; 0 for a tree."""
    reached: Int32[ndarray, " num"]
    """Cells from which the target can be reached, the target included."""
    hashes: UInt64[ndarray, " num"]
    """Symmetry-invariant hash of the walls: equal for mazes that are rotated or mirrored copies."""

    def __len__(self) -> int:
        return len(self.distance)

    def _headline(self) -> str:
        told = ("distance", "decisions", "forks", "dead_ends", "loops")
        means = ", ".join(f"{getattr(self, name).mean():.1f} {name.replace('_', ' ')}" for name in told)
        return f"{counted(len(self), 'maze')}" + (f", means: {means}" if len(self) else "")

    @property
    def detour(self) -> Float64[ndarray, " num"]:
        """Distance over Manhattan distance, at least 1; 1 where origin and target are one cell."""
        return np.where(self.manhattan > 0, self.distance / np.maximum(self.manhattan, 1), 1.0)

    @classmethod
    def concatenate(cls, parts: "list[MazeMeasures]") -> "MazeMeasures":
        """Join the measures of several batches."""
        return cls(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)})


def measure(batch: MazeBatch, indices: Int64[ndarray, " batch"] | None = None) -> MazeMeasures:
    """Measure every maze of `batch`; memory for scratch does not grow with its length.

    Args:
        batch: The mazes.
        indices: Number of each maze, which chooses the shortest path its decisions are counted on;
            default its row.
    """
    numbers = np.arange(len(batch)) if indices is None else indices
    size = max(1, _CELLS_AT_ONCE // (batch.shape[0] * batch.shape[1]))
    starts = range(0, max(1, len(batch)), size)
    slices = [slice(start, start + size) for start in starts]
    return MazeMeasures.concatenate([_measure_slice(batch.take(part), numbers[part]) for part in slices])


def _measure_slice(batch: MazeBatch, indices: ndarray) -> MazeMeasures:
    solved = solve_batch(batch, 0, indices)
    found = np.empty((6, len(batch)), np.int64)
    _measure(batch.connections, batch.origins, batch.targets, solved.paths, solved.lengths, found)
    path_count, *rest = found
    for index in np.flatnonzero(path_count < 0):
        path_count[index] = min(solved[int(index)].path_count, MOST_PATHS)
    decisions, forks, dead_ends, loops, reached = (each.astype(np.int32) for each in rest)
    manhattan = np.abs(batch.origins.astype(np.int32) - batch.targets).sum(axis=1, dtype=np.int32)
    return MazeMeasures(
        distance=solved.lengths.astype(np.int32),
        manhattan=manhattan,
        path_count=path_count,
        decisions=decisions,
        forks=forks,
        dead_ends=dead_ends,
        loops=loops,
        reached=reached,
        hashes=maze_hashes(batch),
    )


@njit(cache=True, nogil=True)
@no_type_check
def _measure(connections, origins, targets, paths, lengths, found):
    """Fill `found` (Int64[6, batch]): path count (-1: too many), decisions, forks, dead ends, loops, reached cells."""
    batch, _, rows, cols = connections.shape
    distances, queue = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    counts = np.empty(rows * cols, np.int64)
    for index in range(batch):
        maze = connections[index]
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        origin = np.int64(origins[index, 0]) * cols + origins[index, 1]
        exact = count_field(maze, target, distances, queue, counts)
        found[0, index] = counts[origin] if exact else -1
        found[1:, index] = 0
        for position in range(lengths[index]):
            cell = np.int64(paths[index, position, 0]) * cols + paths[index, position, 1]
            # one of the open steps leads back, except at the origin
            found[1, index] += degree(maze, cell) > (1 if position == 0 else 2)
        ends = 0
        for cell in range(rows * cols):
            sides = degree(maze, cell)
            found[2, index] += sides >= 3
            found[3, index] += sides == 1
            if distances[cell] >= 0:
                found[5, index] += 1
                ends += sides
        found[4, index] = ends // 2 - found[5, index] + 1
