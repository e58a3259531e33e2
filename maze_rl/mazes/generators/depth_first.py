"""Randomized depth-first search (recursive backtracker): a tree with long corridors.

The root is uniform over the cells; from the newest cell with an unvisited neighbour, one of those is
chosen uniformly. Options end the search early: then the cells it never reached stay closed in.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.breadth_first import step
from maze_rl.mazes.carving import inside, open_wall
from maze_rl.mazes.counter_random import below


def depth_first(
    connections: Bool[ndarray, "num 2 rows cols"],
    states: UInt64[ndarray, "num 2"],
    pending: Int64[ndarray, " k"],
    *,
    accessible_cells: int | float = 1.0,
    max_depth: int | None = None,
    forks: bool = True,
) -> bool:
    """Carve depth-first trees.

    Args:
        connections: Filled in place.
        states: Random streams, advanced in place.
        pending: Rows to carve.
        accessible_cells: Cells the tree holds: a count if an integer, a share of all if a float.
        max_depth: Most steps from the root; None for no limit.
        forks: False ends the search at its first dead end: one self-avoiding corridor.
    """
    cells = connections.shape[2] * connections.shape[3]
    most = accessible_cells if isinstance(accessible_cells, int) else round(accessible_cells * cells)
    deepest = cells if max_depth is None else max_depth
    _carve_rows(connections, states, pending, max(2, most), deepest, forks)
    return most >= cells and deepest >= cells and forks


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending, most_cells, deepest, forks):
    cells = connections.shape[2] * connections.shape[3]
    visited, stack = np.empty(cells, np.bool_), np.empty(cells, np.int32)
    for row in pending:
        carve_depth_first(connections[row], states[row], visited, stack, most_cells, deepest, forks)


@njit(cache=True, nogil=True)
@no_type_check
def carve_depth_first(connections, state, visited, stack, most_cells, deepest, forks):
    """Carve a tree into `connections` (all closed); `visited` Bool[cells] and `stack` Int32[cells] are scratch."""
    _, rows, cols = connections.shape
    visited[:] = False
    options = np.empty(4, np.int64)
    cell = below(state, rows * cols)
    visited[cell] = True
    stack[0] = cell
    depth, num_cells = 1, 1
    while depth > 0 and num_cells < most_cells:
        cell = stack[depth - 1]
        num_options = 0
        if depth <= deepest:
            for direction in range(4):
                if inside(cell, direction, rows, cols) and not visited[step(cell, direction, cols)]:
                    options[num_options] = direction
                    num_options += 1
        if num_options == 0:
            if not forks:
                break
            depth -= 1
            continue
        direction = options[below(state, num_options)] if num_options > 1 else options[0]
        open_wall(connections, cell, direction)
        cell = step(cell, direction, cols)
        visited[cell] = True
        stack[depth] = cell
        depth += 1
        num_cells += 1
