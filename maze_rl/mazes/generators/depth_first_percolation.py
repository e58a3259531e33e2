"""Depth-first tree plus every remaining edge opened with probability p: mazes with cycles."""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.generators.depth_first import carve_depth_first
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
    cells = connections.shape[2] * connections.shape[3]
    visited, stack = np.empty(cells, np.bool_), np.empty(cells, np.int32)
    for row in pending:
        carve_depth_first_percolation(connections[row], states[row], visited, stack, percolation)


@njit(cache=True, nogil=True)
@no_type_check
def carve_depth_first_percolation(connections, state, visited, stack, percolation):
    """Carve one maze (all closed); `visited` Bool[cells] and `stack` Int32[cells] are scratch."""
    cells = len(stack)
    carve_depth_first(connections, state, visited, stack, cells, cells, True)
    open_at_random(connections, state, percolation)
