"""Kruskal's algorithm on random weights: edges in a random order, each opened if it joins two components.

Kruskal (1956), On the shortest spanning subtree of a graph. Every spanning tree can come out, not equally often.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.breadth_first import step
from maze_rl.mazes.carving import inside, open_wall
from maze_rl.mazes.counter_random import below


def kruskal(
    connections: Bool[ndarray, "num 2 rows cols"], states: UInt64[ndarray, "num 2"], pending: Int64[ndarray, " k"]
) -> bool:
    """Carve minimum spanning trees of independent random weights."""
    _carve_rows(connections, states, pending)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending):
    _, _, rows, cols = connections.shape
    edges, parents = np.empty(2 * rows * cols, np.int32), np.empty(rows * cols, np.int32)
    for row in pending:
        _carve(connections[row], states[row], edges, parents, rows, cols)


@njit(cache=True, nogil=True)
@no_type_check
def _carve(connections, state, edges, parents, rows, cols):
    num_edges = 0
    for cell in range(rows * cols):
        parents[cell] = cell
        for direction in range(2):
            if inside(cell, direction, rows, cols):
                edges[num_edges] = 2 * cell + direction
                num_edges += 1
    joins = rows * cols - 1
    for position in range(num_edges):
        if joins == 0:
            break
        other = position + below(state, num_edges - position)
        edges[position], edges[other] = edges[other], edges[position]
        cell, direction = edges[position] // 2, edges[position] % 2
        first, second = _root(parents, cell), _root(parents, step(cell, direction, cols))
        if first != second:
            parents[first] = second
            open_wall(connections, cell, direction)
            joins -= 1


@njit(cache=True, nogil=True)
@no_type_check
def _root(parents, cell):
    """Return the representative of the component of `cell`, halving the way there."""
    while parents[cell] != cell:
        parents[cell] = parents[parents[cell]]
        cell = parents[cell]
    return cell
