"""Randomized depth-first search (recursive backtracker): a tree with long corridors.

The root is uniform over the cells; from the newest cell with an unvisited neighbour, one of those is
chosen uniformly.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from maze_rl.mazes.breadth_first import step
from maze_rl.mazes.counter_random import below


@njit(inline="always")
@no_type_check
def open_wall(connections, cell, direction):
    """Open the edge from `cell` in `direction` (0 down, 1 right, 2 up, 3 left)."""
    cols = connections.shape[2]
    row, col = cell // cols, cell % cols
    if direction == 0:
        connections[0, row, col] = True
    elif direction == 1:
        connections[1, row, col] = True
    elif direction == 2:
        connections[0, row - 1, col] = True
    else:
        connections[1, row, col - 1] = True


@njit(inline="always")
@no_type_check
def inside(cell, direction, rows, cols):
    """Tell whether the cell one step from `cell` in `direction` lies on the grid."""
    if direction == 0:
        return cell < (rows - 1) * cols
    if direction == 1:
        return cell % cols < cols - 1
    if direction == 2:
        return cell >= cols
    return cell % cols > 0


@njit(cache=True, nogil=True)
@no_type_check
def carve_depth_first(connections, state, visited, stack):
    """Carve a tree into `connections` (all closed); `visited` Bool[cells] and `stack` Int32[cells] are scratch."""
    _, rows, cols = connections.shape
    visited[:] = False
    options = np.empty(4, np.int64)
    cell = below(state, rows * cols)
    visited[cell] = True
    stack[0] = cell
    depth = 1
    while depth > 0:
        cell = stack[depth - 1]
        num_options = 0
        for direction in range(4):
            if inside(cell, direction, rows, cols) and not visited[step(cell, direction, cols)]:
                options[num_options] = direction
                num_options += 1
        if num_options == 0:
            depth -= 1
            continue
        direction = options[below(state, num_options)] if num_options > 1 else options[0]
        open_wall(connections, cell, direction)
        cell = step(cell, direction, cols)
        visited[cell] = True
        stack[depth] = cell
        depth += 1
