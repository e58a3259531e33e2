"""Hunt and kill: random walks through unvisited cells; a stuck one restarts beside what is carved, row by row.

The restart is the first unvisited cell in row-major order with a visited neighbour, joined to one of those at random.
Long corridors like depth-first search, without its backtracking.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.breadth_first import step
from maze_rl.mazes.carving import inside, open_wall
from maze_rl.mazes.counter_random import below


def hunt_and_kill(
    connections: Bool[ndarray, "num 2 rows cols"], states: UInt64[ndarray, "num 2"], pending: Int64[ndarray, " k"]
) -> bool:
    """Carve trees from a uniform first cell."""
    _carve_rows(connections, states, pending)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending):
    _, _, rows, cols = connections.shape
    visited, options = np.empty(rows * cols, np.bool_), np.empty(4, np.int64)
    for row in pending:
        _carve(connections[row], states[row], visited, options, rows, cols)


@njit(cache=True, nogil=True)
@no_type_check
def _carve(connections, state, visited, options, rows, cols):
    visited[:] = False
    cell = below(state, rows * cols)
    visited[cell] = True
    first_unvisited = 0
    while True:
        num_options = _neighbours(cell, visited, False, options, rows, cols)
        if num_options > 0:
            direction = options[below(state, num_options)]
            open_wall(connections, cell, direction)
            cell = step(cell, direction, cols)
            visited[cell] = True
            continue
        while first_unvisited < rows * cols and visited[first_unvisited]:
            first_unvisited += 1
        if first_unvisited == rows * cols:
            break
        cell = first_unvisited
        num_options = _neighbours(cell, visited, True, options, rows, cols)
        while num_options == 0:
            cell += 1
            num_options = 0 if visited[cell] else _neighbours(cell, visited, True, options, rows, cols)
        open_wall(connections, cell, options[below(state, num_options)])
        visited[cell] = True


@njit(cache=True, nogil=True)
@no_type_check
def _neighbours(cell, visited, wanted, options, rows, cols):
    """List the directions in which the neighbour's `visited` is `wanted`; return how many there are."""
    count = 0
    for direction in range(4):
        if inside(cell, direction, rows, cols) and visited[step(cell, direction, cols)] == wanted:
            options[count] = direction
            count += 1
    return count
