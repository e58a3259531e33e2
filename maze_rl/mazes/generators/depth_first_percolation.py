"""Depth-first tree plus every remaining edge opened with probability p: mazes with cycles."""

from typing import no_type_check

from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.generators.depth_first import carve_depth_first, depth_first_scratch
from maze_rl.mazes.generators.percolation import open_at_random


def depth_first_percolation(
    connections: Bool[ndarray, "num 2 rows cols"],
    states: UInt64[ndarray, "num 2"],
    pending: Int64[ndarray, " k"],
    *,
    percolation: int | float = 0.1,
) -> bool:
    """Carve a depth-first tree, then open each closed inner edge with probability `percolation`."""
    _carve_rows(connections, states, pending, percolation)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending, percolation):
    free, stack = depth_first_scratch(connections.shape[2], connections.shape[3])
    for row in pending:
        carve_depth_first_percolation(connections[row], states[row], free, stack, percolation)


@njit(cache=True, nogil=True)
@no_type_check
def carve_depth_first_percolation(connections, state, free, stack, percolation):
    """Carve one maze (all closed); `free` and `stack` are `depth_first_scratch`."""
    carve_depth_first(connections, state, free, stack, len(stack), len(stack), True)
    open_at_random(connections, state, percolation)
