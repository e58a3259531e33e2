"""Edges of a grid by cell and direction: opened, closed, and where the grid ends.

Directions are 0 down, 1 right, 2 up, 3 left; cells are flat indices ``row * cols + col``.
"""

from typing import no_type_check

from numba import njit


@njit(inline="always")
@no_type_check
def set_edge(connections, cell, direction, is_open):
    """Open or close the edge from `cell` in `direction`."""
    cols = connections.shape[2]
    row, col = cell // cols, cell % cols
    if direction == 0:
        connections[0, row, col] = is_open
    elif direction == 1:
        connections[1, row, col] = is_open
    elif direction == 2:
        connections[0, row - 1, col] = is_open
    else:
        connections[1, row, col - 1] = is_open


@njit(inline="always")
@no_type_check
def open_wall(connections, cell, direction):
    """Open the edge from `cell` in `direction`."""
    set_edge(connections, cell, direction, True)


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
