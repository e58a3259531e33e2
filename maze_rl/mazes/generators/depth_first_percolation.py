"""Depth-first tree plus every remaining edge opened with probability p: mazes with cycles."""

from typing import no_type_check

from numba import njit

from maze_rl.mazes.counter_random import uniform
from maze_rl.mazes.generators.depth_first import carve_depth_first


@njit(cache=True, nogil=True)
@no_type_check
def carve_depth_first_percolation(connections, state, visited, stack, percolation):
    """Carve a depth-first tree, then open each closed inner edge with probability `percolation`."""
    _, rows, cols = connections.shape
    carve_depth_first(connections, state, visited, stack)
    for row in range(rows):
        for col in range(cols):
            if row < rows - 1 and not connections[0, row, col] and uniform(state) < percolation:
                connections[0, row, col] = True
            if col < cols - 1 and not connections[1, row, col] and uniform(state) < percolation:
                connections[1, row, col] = True
