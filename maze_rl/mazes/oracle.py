"""What is true at every position of a path: distances, forks, optimal moves, look-ahead needed.

At a cell u of a walk, the *options* are the open neighbours other than the cell it came from; u is a
*fork* where there are several. A *wrong branch* starts at an option that is no nearer to the target and
holds all cells reachable from there without passing u. It *closes* if the target is not among them, at
the depth of its deepest cell, counted in steps from u along the branch. The look-ahead needed is

    k*(u) = min(d(u), depth at which the last wrong branch closes),   d(u) where one never closes,

and 0 where no option is wrong. The walk may be any: it need not be short, nor arrive.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int8, Int16, Int32, Int64
from numba import njit
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import MazeRLError
from maze_rl.mazes.breadth_first import distances_from, is_open, step
from maze_rl.mazes.lattice import MazeBatch

NEVER = -1
"""Depth of a branch that does not close."""


@dataclass(frozen=True, eq=False)
class PathLabels(Shown):
    """The oracle's labels for each position of each path; directions are 0 down, 1 right, 2 up, 3 left."""

    distances: Int32[ndarray, "batch length"]
    """Steps to the target; -1 past the end of the path."""
    frontier: Int32[ndarray, "batch length"]
    """Steps from the maze's origin: when a breadth-first search from there gets here; -1 past the end."""
    num_options: Int8[ndarray, "batch length"]
    """Number of moves other than stepping back."""
    is_fork: Bool[ndarray, "batch length"]
    """Whether there is more than one such move; never at the target."""
    legal: Bool[ndarray, "batch length 4"]
    """Open directions."""
    optimal: Bool[ndarray, "batch length 4"]
    """Directions one step nearer to the target; none at the target."""
    dead_end_depth: Int16[ndarray, "batch length"]
    """Steps to the deepest cell of the wrong branches; 0 without any, -1 where one never closes."""
    look_ahead: Int16[ndarray, "batch length"]
    """k*: how far one must see to choose rightly here."""


def label_paths(
    batch: MazeBatch, paths: Int16[ndarray, "batch length 2"], num_cells: Int64[ndarray, " batch"]
) -> PathLabels:
    """Label every position of one path per maze.

    Args:
        batch: The mazes.
        paths: Cells (row, col) of a valid walk in each maze, e.g. `BatchSolution.paths`.
        num_cells: Number of cells of each walk (one more than its steps); what follows is ignored.

    Raises:
        MazeRLError: A cell of a path lies outside the grid.
    """
    used = np.arange(paths.shape[1]) < num_cells[:, None]
    outside = used & ((paths < 0) | (paths >= np.array(batch.shape))).any(axis=2)
    if outside.any():
        maze, position = np.argwhere(outside)[0]
        raise MazeRLError(f"path {maze}: cell {position} lies outside the {batch.shape[0]} x {batch.shape[1]} grid.")
    shape = paths.shape[:2]
    labels = PathLabels(
        distances=np.full(shape, -1, np.int32),
        frontier=np.full(shape, -1, np.int32),
        num_options=np.zeros(shape, np.int8),
        is_fork=np.zeros(shape, np.bool_),
        legal=np.zeros((*shape, 4), np.bool_),
        optimal=np.zeros((*shape, 4), np.bool_),
        dead_end_depth=np.zeros(shape, np.int16),
        look_ahead=np.zeros(shape, np.int16),
    )
    _label(
        batch.connections,
        batch.origins,
        batch.targets,
        paths,
        np.minimum(num_cells, shape[1]),
        labels.distances,
        labels.frontier,
        labels.num_options,
        labels.is_fork,
        labels.legal,
        labels.optimal,
        labels.dead_end_depth,
        labels.look_ahead,
    )
    return labels


@njit(cache=True, nogil=True)
@no_type_check
def closing_depth(connections, fork, first, target, limit, depths, queue):
    """Return the depth at which the branch from `fork` through `first` closes, or `NEVER`.

    A branch that reaches `target`, or is deeper than `limit` steps, counts as one that never closes.
    `depths` (Int32[cells]) and `queue` (Int32[cells]) are scratch.
    """
    cols = connections.shape[2]
    depths[:] = -1
    depths[fork] = 0
    depths[first] = 1
    queue[0] = first
    head, tail = 0, 1
    deepest = 1
    while head < tail:
        cell = queue[head]
        head += 1
        deepest = depths[cell]
        if cell == target or deepest > limit:
            return NEVER
        for direction in range(4):
            if is_open(connections, cell, direction):
                neighbour = step(cell, direction, cols)
                if depths[neighbour] < 0:
                    depths[neighbour] = deepest + 1
                    queue[tail] = neighbour
                    tail += 1
    return deepest


@njit(cache=True, nogil=True)
@no_type_check
def _label(
    connections,
    origins,
    targets,
    paths,
    num_cells,
    distances,
    frontier,
    num_options,
    is_fork,
    legal,
    optimal,
    dead_end_depth,
    look_ahead,
):
    batch, _, rows, cols = connections.shape
    to_target, from_origin = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    depths, queue = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    no_limit = rows * cols
    for index in range(batch):
        maze = connections[index]
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        origin = np.int64(origins[index, 0]) * cols + origins[index, 1]
        distances_from(maze, target, to_target, queue)
        distances_from(maze, origin, from_origin, queue)
        previous = np.int64(-1)
        for position in range(num_cells[index]):
            cell = np.int64(paths[index, position, 0]) * cols + paths[index, position, 1]
            distances[index, position], frontier[index, position] = to_target[cell], from_origin[cell]
            options, deepest = 0, 0
            for direction in range(4):
                if not is_open(maze, cell, direction):
                    continue
                legal[index, position, direction] = True
                neighbour = step(cell, direction, cols)
                nearer = to_target[neighbour] == to_target[cell] - 1
                optimal[index, position, direction] = nearer
                if neighbour == previous:
                    continue
                options += 1
                if not nearer and deepest != NEVER and cell != target:
                    depth = closing_depth(maze, cell, neighbour, target, no_limit, depths, queue)
                    deepest = NEVER if depth == NEVER else max(deepest, depth)
            num_options[index, position] = options
            is_fork[index, position] = options > 1 and cell != target
            dead_end_depth[index, position] = deepest
            look_ahead[index, position] = to_target[cell] if deepest == NEVER else min(to_target[cell], deepest)
            previous = cell
