"""Kernels of flip pairs: count the swaps of edges that a maze offers, and draw one with its control."""

from typing import no_type_check

import numpy as np
from numba import njit

from maze_rl.mazes.breadth_first import distances_from, is_open, step
from maze_rl.mazes.counter_random import below, start_stream

COLUMNS = (
    "fork_index",
    "fork",
    "right",
    "wrong",
    "a",
    "b",
    "x",
    "y",
    "depth",
    "a2",
    "b2",
    "x2",
    "y2",
    "control_depth",
)
"""What the kernel writes for each maze; cells as flat indices; -1 where there is no pair."""


@njit(cache=True, nogil=True)
@no_type_check
def first_other_than_tree(connections):
    """Return the first maze that is no tree on all cells; the number of mazes if all are."""
    batch, _, rows, cols = connections.shape
    distances, queue = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    for index in range(batch):
        if connections[index].sum() != rows * cols - 1:
            return index
        if distances_from(connections[index], 0, distances, queue) < rows * cols:
            return index
    return batch


@njit(cache=True, nogil=True)
@no_type_check
def draw_pairs(connections, origins, targets, wanted, uniform_depth, key, streams, found):
    """Fill the rows of `found` (Int32[batch, columns]) of the mazes that have a pair."""
    batch, _, rows, cols = connections.shape
    tree = np.empty((4, rows * cols), np.int32)
    from_fork, counts = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int64)
    state = np.empty(2, np.uint64)
    for index in range(batch):
        maze, row = connections[index], found[index]
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        _root(maze, np.int64(origins[index, 0]) * cols + origins[index, 1], target, tree)
        start_stream(state, key, streams[index])
        _count_flips(maze, tree, counts)
        depth, number = _draw_depth(counts, wanted, uniform_depth, state)
        if depth < 0:
            continue
        _write_flip(maze, target, tree, depth, number, row)
        distances_from(maze, np.int64(row[1]), from_fork, tree[3])
        counts[:] = 0
        _visit_controls(maze, tree, from_fork, counts, -1, -1, 0)
        nearest, farther, total = _nearest_depths(counts, depth)
        number = below(state, total)
        cut, x, y = _visit_controls(maze, tree, from_fork, counts, nearest, farther, number)
        row[9], row[10], row[11], row[12] = tree[1][cut], cut, x, y
        row[13] = min(from_fork[tree[1][cut]], from_fork[x])


@njit(cache=True, nogil=True)
@no_type_check
def _root(maze, origin, target, tree):
    """Root a maze at its origin.

    `tree` (Int32[4, cells]) gets each cell's steps from the origin, its parent (-1 for the origin), the position on the
    path where the way to it leaves the path (its own position for a cell of the path), and scratch.
    """
    depth, parent, leaves, order = tree[0], tree[1], tree[2], tree[3]
    cols = maze.shape[2]
    reached = distances_from(maze, origin, depth, order)
    parent[origin] = -1
    for position in range(1, reached):
        cell = np.int64(order[position])
        for direction in range(4):
            if is_open(maze, cell, direction) and depth[step(cell, direction, cols)] == depth[cell] - 1:
                parent[cell] = step(cell, direction, cols)
    leaves[:] = -1
    cell = target
    while cell >= 0:
        leaves[cell] = depth[cell]
        cell = np.int64(parent[cell])
    for position in range(1, reached):
        cell = order[position]
        if leaves[cell] < 0:
            leaves[cell] = leaves[parent[cell]]


@njit(inline="always")
@no_type_check
def _behind_wall(maze, cell, direction):
    """Return the neighbour of `cell` on the grid that a closed edge parts from it; -1 without one."""
    _, rows, cols = maze.shape
    row, col = cell // cols, cell % cols
    inside = (row + 1 < rows, col + 1 < cols, row > 0, col > 0)[direction]
    return step(cell, direction, cols) if inside and not is_open(maze, cell, direction) else np.int64(-1)


@njit(cache=True, nogil=True)
@no_type_check
def _count_flips(maze, tree, counts):
    """Count the flips of a maze by K into `counts` (Int64[cells]).

    A closed edge (x, y) makes one for each path edge between where x and y leave the path: 0, 1, 2 ... steps from the
    fork, where x leaves, so that K grows from 0 to dist(u, x) and stays there.
    """
    depth, leaves = tree[0], tree[2]
    counts[:] = 0
    for x in range(len(depth)):
        sideways = depth[x] - leaves[x]
        for direction in range(4 if sideways > 0 else 0):
            y = _behind_wall(maze, x, direction)
            if y < 0 or leaves[y] <= leaves[x]:
                continue
            between = leaves[y] - leaves[x]
            counts[: min(sideways, between)] += 1
            if between > sideways:
                counts[sideways] += between - sideways


@njit(cache=True, nogil=True)
@no_type_check
def _draw_depth(counts, wanted, uniform_depth, state):
    """Return a K and the number of one flip among those of that K; K is -1 if no flip is wanted."""
    offered, total = 0, 0
    for depth in range(len(counts)):
        if wanted[depth] and counts[depth] > 0:
            offered += 1
            total += counts[depth]
    if total == 0:
        return -1, 0
    left = below(state, offered if uniform_depth else total)
    for depth in range(len(counts)):
        if wanted[depth] and counts[depth] > 0:
            share = 1 if uniform_depth else counts[depth]
            if left < share:
                return depth, below(state, counts[depth]) if uniform_depth else left
            left -= share
    return -1, 0


@njit(cache=True, nogil=True)
@no_type_check
def _write_flip(maze, target, tree, depth, number, row):
    """Write flip `number` among those of one K into the first nine columns of `row`."""
    steps, parent, leaves = tree[0], tree[1], tree[2]
    for x in range(len(steps)):
        sideways = steps[x] - leaves[x]
        for direction in range(4 if sideways > 0 else 0):
            y = _behind_wall(maze, x, direction)
            if y < 0 or leaves[y] <= leaves[x]:
                continue
            between = leaves[y] - leaves[x]
            fits = max(between - sideways, 0) if depth == sideways else np.int64(depth < min(sideways, between))
            if number >= fits:
                number -= fits
                continue
            removed_at = leaves[x] + depth + number
            wrong = x
            while steps[wrong] > leaves[x] + 1:
                wrong = parent[wrong]
            cell = target
            while steps[cell] > leaves[x]:
                if steps[cell] == removed_at + 1:
                    row[4], row[5] = parent[cell], cell
                if steps[cell] == leaves[x] + 1:
                    row[2] = cell
                cell = parent[cell]
            row[0], row[1], row[3], row[6], row[7], row[8] = leaves[x], cell, wrong, x, y, depth
            return


@njit(cache=True, nogil=True)
@no_type_check
def _visit_controls(maze, tree, from_fork, counts, nearest, farther, number):
    """Count the controls by depth up to control `number` of the depths `nearest` and `farther`; return it.

    A control is (cut, x, y): the edge from `cut` to its parent goes and (x, y) comes, y in the part below `cut`, which
    lies off the path. Without control `number` all three are -1.
    """
    depth, parent, leaves = tree[0], tree[1], tree[2]
    for y in range(len(depth)):
        for direction in range(4 if depth[y] > leaves[y] else 0):
            x = _behind_wall(maze, y, direction)
            if x < 0:
                continue
            cut, above = np.int64(y), x
            while depth[cut] > leaves[cut]:
                while depth[above] > depth[cut]:
                    above = np.int64(parent[above])
                if above == cut:  # x lies in the part itself
                    break
                reach = min(from_fork[parent[cut]], from_fork[x])
                counts[reach] += 1
                if reach in (nearest, farther):
                    if number == 0:
                        return cut, x, np.int64(y)
                    number -= 1
                cut = np.int64(parent[cut])
    return np.int64(-1), np.int64(-1), np.int64(-1)


@njit(cache=True, nogil=True)
@no_type_check
def _nearest_depths(counts, depth):
    """Return the depths with controls nearest to `depth`, one on each side (-1 without), and how many controls."""
    for off in range(len(counts)):
        lower = depth - off if depth >= off and counts[depth - off] > 0 else -1
        upper = depth + off if depth + off < len(counts) and counts[depth + off] > 0 else -1
        total = (counts[lower] if lower >= 0 else 0) + (counts[upper] if upper >= 0 and off > 0 else 0)
        if total > 0:
            return lower, upper, total
    return -1, -1, 0
