"""Randomized Prim: the tree grows by an edge drawn uniformly among all that lead out of it.

The maze maker's form of Prim (1957), Shortest connection networks: each edge out of the tree is equally likely next.
(With random weights on the edges the tree would be Kruskal's.) Short dead ends, many forks.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.breadth_first import step
from maze_rl.mazes.carving import inside, open_wall
from maze_rl.mazes.counter_random import below


def prim(
    connections: Bool[ndarray, "num 2 rows cols"], states: UInt64[ndarray, "num 2"], pending: Int64[ndarray, " k"]
) -> bool:
    """Carve trees from a uniform root, edge by edge."""
    _carve_rows(connections, states, pending)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending):
    _, _, rows, cols = connections.shape
    in_tree, frontier = np.empty(rows * cols, np.bool_), np.empty(4 * rows * cols, np.int32)
    for row in pending:
        _carve(connections[row], states[row], in_tree, frontier, rows, cols)


@njit(cache=True, nogil=True)
@no_type_check
def _carve(connections, state, in_tree, frontier, rows, cols):
    in_tree[:] = False
    cell = below(state, rows * cols)
    in_tree[cell] = True
    num_edges = _add_edges(frontier, 0, cell, in_tree, rows, cols)
    while num_edges > 0:
        chosen = below(state, num_edges)
        edge = frontier[chosen]
        num_edges -= 1
        frontier[chosen] = frontier[num_edges]
        cell = step(edge // 4, edge % 4, cols)
        # Edges to cells the tree has reached meanwhile are dropped when drawn: the rest stay equally likely.
        if not in_tree[cell]:
            in_tree[cell] = True
            open_wall(connections, edge // 4, edge % 4)
            num_edges = _add_edges(frontier, num_edges, cell, in_tree, rows, cols)


@njit(cache=True, nogil=True)
@no_type_check
def _add_edges(frontier, num_edges, cell, in_tree, rows, cols):
    """Append the edges from `cell` out of the tree; return how many there are now."""
    for direction in range(4):
        if inside(cell, direction, rows, cols) and not in_tree[step(cell, direction, cols)]:
            frontier[num_edges] = 4 * cell + direction
            num_edges += 1
    return num_edges
