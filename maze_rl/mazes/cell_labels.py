"""What is true at every cell of a maze, on the path or off it: the oracle's labels as tables over cells.

A cell is entered from the neighbour one step nearer to the origin (the first of several, in the order down, right, up,
left); its *options* are its other open sides, and all of them at the origin. It is a *fork* where there are several,
except at the target. Wrong branches, dead-end depth and k* are those of `maze_rl.mazes.oracle`, with that neighbour as
the cell one came from: on a tree they equal the labels of the shortest path at each of its cells.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int16, Int32, Int64
from numba import njit
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.breadth_first import distances_from, is_open, step
from maze_rl.mazes.counter_random import start_stream, uniform
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.oracle import NEVER, closing_depth
from maze_rl.seeding import numpy_generator, stream_key


@dataclass(frozen=True, eq=False)
class CellLabels(Shown):
    """Labels of every cell of each maze, row-major; directions are 0 down, 1 right, 2 up, 3 left.

    Of a cell that cannot be reached from the origin only `legal` is told; the rest is -1, 0 or False.
    """

    distances: Int32[ndarray, "batch cells"]
    """Steps to the target; -1 where it cannot be reached."""
    frontier: Int32[ndarray, "batch cells"]
    """Steps from the origin: when a breadth-first search from there gets here; -1 where it never does."""
    on_path: Bool[ndarray, "batch cells"]
    """Whether some shortest path from origin to target passes here."""
    num_options: Int8[ndarray, "batch cells"]
    """Number of moves other than stepping back towards the origin."""
    is_fork: Bool[ndarray, "batch cells"]
    """Whether there is more than one such move; never at the target."""
    legal: Bool[ndarray, "batch cells 4"]
    """Open directions."""
    optimal: Bool[ndarray, "batch cells 4"]
    """Directions one step nearer to the target; none at the target."""
    dead_end_depth: Int16[ndarray, "batch cells"]
    """Steps to the deepest cell of the wrong branches; 0 without any, -1 where one never closes."""
    look_ahead: Int16[ndarray, "batch cells"]
    """k*: how far one must see to choose rightly here."""


def label_cells(batch: MazeBatch) -> CellLabels:
    """Label every cell of every maze of a batch."""
    shape = (len(batch), batch.shape[0] * batch.shape[1])
    labels = CellLabels(
        distances=np.full(shape, -1, np.int32),
        frontier=np.full(shape, -1, np.int32),
        on_path=np.zeros(shape, np.bool_),
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
        labels.distances,
        labels.frontier,
        labels.on_path,
        labels.num_options,
        labels.is_fork,
        labels.legal,
        labels.optimal,
        labels.dead_end_depth,
        labels.look_ahead,
    )
    return labels


def shuffled_cells(shape: tuple[int, int], seed: int) -> Int64[ndarray, " cells"]:
    """Return a random permutation of the cells of a `shape` grid, the same for all mazes of that shape."""
    return numpy_generator(seed, "shuffled_cells", *shape).permutation(shape[0] * shape[1])


def random_cell_values(
    streams: Int64[ndarray, " batch"], num_cells: int, seed: int
) -> Float32[ndarray, "batch num_cells"]:
    """Return numbers uniform on [0, 1), one for each maze and cell; row j is drawn from stream ``streams[j]``."""
    values = np.empty((len(streams), num_cells), np.float32)
    _fill_uniform(np.uint64(stream_key(seed, "random_cell_values")), streams, values)
    # the nearest float32 of a float64 just below 1 is 1
    return np.minimum(values, np.nextafter(np.float32(1), np.float32(0)))


@njit(cache=True, nogil=True)
@no_type_check
def _fill_uniform(key, streams, values):
    state = np.empty(2, np.uint64)
    for index in range(len(values)):
        start_stream(state, key, streams[index])
        for cell in range(values.shape[1]):
            values[index, cell] = uniform(state)


@njit(cache=True, nogil=True)
@no_type_check
def _label(
    connections,
    origins,
    targets,
    distances,
    frontier,
    on_path,
    num_options,
    is_fork,
    legal,
    optimal,
    dead_end_depth,
    look_ahead,
):
    batch, _, rows, cols = connections.shape
    depths, queue = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    for index in range(batch):
        maze, to_target, from_origin = connections[index], distances[index], frontier[index]
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        origin = np.int64(origins[index, 0]) * cols + origins[index, 1]
        distances_from(maze, target, to_target, queue)
        distances_from(maze, origin, from_origin, queue)
        for cell in range(rows * cols):
            on_path[index, cell] = from_origin[cell] >= 0 and (from_origin[cell] + to_target[cell] == to_target[origin])
            previous = _mark_moves(maze, cell, to_target, from_origin, legal[index, cell], optimal[index, cell])
            if from_origin[cell] < 0:
                continue
            options, deepest = _explore(
                maze, cell, previous, target, legal[index, cell], optimal[index, cell], depths, queue
            )
            num_options[index, cell] = options
            is_fork[index, cell] = options > 1 and cell != target
            dead_end_depth[index, cell] = deepest
            look_ahead[index, cell] = to_target[cell] if deepest == NEVER else min(to_target[cell], deepest)


@njit(cache=True, nogil=True)
@no_type_check
def _mark_moves(maze, cell, to_target, from_origin, legal, optimal):
    """Mark the open and the optimal directions of `cell`; return the first neighbour nearer to the origin, or -1."""
    cols = maze.shape[2]
    previous = np.int64(-1)
    for direction in range(4):
        if is_open(maze, cell, direction):
            legal[direction] = True
            neighbour = step(cell, direction, cols)
            optimal[direction] = to_target[cell] >= 0 and to_target[neighbour] == to_target[cell] - 1
            if previous < 0 and from_origin[cell] > 0 and from_origin[neighbour] == from_origin[cell] - 1:
                previous = np.int64(neighbour)
    return previous


@njit(cache=True, nogil=True)
@no_type_check
def _explore(maze, cell, previous, target, legal, optimal, depths, queue):
    """Return how many moves there are but back to `previous`, and how deep the wrong ones of them lead."""
    cols = maze.shape[2]
    options, deepest = 0, 0
    for direction in range(4):
        neighbour = step(cell, direction, cols)
        if not legal[direction] or neighbour == previous:
            continue
        options += 1
        if not optimal[direction] and deepest != NEVER and cell != target:
            depth = closing_depth(maze, cell, neighbour, target, len(depths), depths, queue)
            deepest = NEVER if depth == NEVER else max(deepest, depth)
    return options, deepest
