"""Breadth-first search on lattice arrays: the kernels under solver, oracle and checks.

Cells are flat indices ``row * cols + col``; unreachable cells have distance -1.
"""

from typing import no_type_check

import numpy as np
from numba import njit


@njit(inline="always")
@no_type_check
def is_open(connections, cell, direction):
    """Tell whether one can step from `cell` in `direction` (0 down, 1 right, 2 up, 3 left)."""
    cols = connections.shape[2]
    row, col = cell // cols, cell % cols
    if direction == 0:
        return connections[0, row, col]
    if direction == 1:
        return connections[1, row, col]
    if direction == 2:
        return row > 0 and connections[0, row - 1, col]
    return col > 0 and connections[1, row, col - 1]


@njit(inline="always")
@no_type_check
def leads_on(flat, cell, direction, cols):
    """As `is_open`, without its divisions, on connections flattened to Bool[2 * cells] with a closed border."""
    cells = len(flat) // 2
    if direction == 0:
        return flat[cell]
    if direction == 1:
        return flat[cells + cell]
    if direction == 2:
        return cell >= cols and flat[cell - cols]
    # left of a row's first cell is read the edge right of the row above, which the border closes
    return flat[cells + cell - 1]


@njit(inline="always")
@no_type_check
def step(cell, direction, cols):
    """Return the flat index one step from `cell` in `direction`."""
    if direction == 0:
        return cell + cols
    if direction == 1:
        return cell + 1
    if direction == 2:
        return cell - cols
    return cell - 1


@njit(inline="always")
@no_type_check
def degree(connections, cell):
    """Return how many sides of `cell` are open: 1 for a dead end."""
    return (
        np.int64(is_open(connections, cell, 0))
        + np.int64(is_open(connections, cell, 1))
        + np.int64(is_open(connections, cell, 2))
        + np.int64(is_open(connections, cell, 3))
    )


@njit(cache=True, nogil=True)
@no_type_check
def distances_from(connections, source, distances, queue):
    """Fill `distances` (Int32[cells]) with steps from `source`; return how many cells are reached.

    `queue` (Int32[cells]) ends up holding the reached cells in order of distance.
    """
    cols = connections.shape[2]
    flat = connections.reshape(2 * len(distances))
    distances[:] = -1
    distances[source] = 0
    queue[0] = source
    head, tail = 0, 1
    while head < tail:
        cell = np.int64(queue[head])
        head += 1
        for direction in range(4):
            if leads_on(flat, cell, direction, cols):
                neighbour = step(cell, direction, cols)
                if distances[neighbour] < 0:
                    distances[neighbour] = distances[cell] + 1
                    queue[tail] = neighbour
                    tail += 1
    return tail


@njit(cache=True, nogil=True)
@no_type_check
def link_to(connections, target, origin, distances, queue, links):
    """Search from `target` no farther than `origin`; tell whether some cell on the way has two ways to go.

    Afterwards `links` (Int32[cells]) leads from each cell nearer than `origin`, and from `origin`, one step nearer to
    the target, and `distances` (Int32[cells]) is right for those cells; `queue` (Int32[cells]) is scratch.
    """
    cols = connections.shape[2]
    flat = connections.reshape(2 * len(distances))
    distances[:] = -1
    distances[target] = 0
    queue[0] = target
    head, tail = 0, 1
    several = False
    farthest = len(distances)
    while head < tail:
        cell = np.int64(queue[head])
        head += 1
        following = distances[cell] + 1
        if following > farthest:
            break
        for direction in range(4):
            if leads_on(flat, cell, direction, cols):
                neighbour = step(cell, direction, cols)
                known = distances[neighbour]
                if known < 0:
                    distances[neighbour] = following
                    links[neighbour] = cell
                    queue[tail] = neighbour
                    tail += 1
                elif known == following:
                    several = True
        if distances[origin] >= 0:
            farthest = distances[origin]
    return several


@njit(cache=True, nogil=True)
@no_type_check
def endpoints_connected(connections, origins, targets):
    """Return Bool[batch]: whether each maze's target can be reached from its origin."""
    batch, _, rows, cols = connections.shape
    linked = np.empty(batch, np.bool_)
    distances = np.empty(rows * cols, np.int32)
    queue = np.empty(rows * cols, np.int32)
    for index in range(batch):
        source = targets[index, 0] * cols + targets[index, 1]
        distances_from(connections[index], source, distances, queue)
        linked[index] = distances[origins[index, 0] * cols + origins[index, 1]] >= 0
    return linked
