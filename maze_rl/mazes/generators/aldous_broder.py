"""Aldous-Broder: a uniformly random spanning tree from one random walk; slower than Wilson's, an exact check on it.

Aldous (1990), The random walk construction of uniform spanning trees; Broder (1989), Generating random spanning
trees. The edge by which the walk first enters each cell belongs to the tree.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.breadth_first import step
from maze_rl.mazes.carving import inside, open_wall
from maze_rl.mazes.counter_random import below


def aldous_broder(
    connections: Bool[ndarray, "num 2 rows cols"], states: UInt64[ndarray, "num 2"], pending: Int64[ndarray, " k"]
) -> bool:
    """Carve uniform spanning trees; the time is the cover time of the grid, about n log(n)^2 for n cells."""
    _carve_rows(connections, states, pending)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending):
    _, _, rows, cols = connections.shape
    visited = np.empty(rows * cols, np.bool_)
    for row in pending:
        _carve(connections[row], states[row], visited, rows, cols)


@njit(cache=True, nogil=True)
@no_type_check
def _carve(connections, state, visited, rows, cols):
    visited[:] = False
    cell = below(state, rows * cols)
    visited[cell] = True
    left = rows * cols - 1
    while left > 0:
        direction = below(state, 4)
        if not inside(cell, direction, rows, cols):
            continue
        neighbour = step(cell, direction, cols)
        if not visited[neighbour]:
            visited[neighbour] = True
            open_wall(connections, cell, direction)
            left -= 1
        cell = neighbour
