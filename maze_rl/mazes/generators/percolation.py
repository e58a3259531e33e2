"""Bond percolation: every edge of the lattice is open with probability p, each on its own.

Grimmett (1999), Percolation. On large grids a component that spans the grid appears at p = 1/2. Endpoints are
drawn from the largest component.
"""

from typing import no_type_check

from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.counter_random import uniform


def percolation(
    connections: Bool[ndarray, "num 2 rows cols"],
    states: UInt64[ndarray, "num 2"],
    pending: Int64[ndarray, " k"],
    *,
    percolation: int | float = 0.5,
) -> bool:
    """Open each edge with probability `percolation`."""
    _carve_rows(connections, states, pending, percolation)
    return False


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending, percolation):
    for row in pending:
        open_at_random(connections[row], states[row], percolation)


@njit(cache=True, nogil=True)
@no_type_check
def open_at_random(connections, state, percolation):
    """Open each closed inner edge of one maze with probability `percolation`; both directions, cell by cell."""
    _, rows, cols = connections.shape
    for row in range(rows):
        for col in range(cols):
            if row < rows - 1 and not connections[0, row, col] and uniform(state) < percolation:
                connections[0, row, col] = True
            if col < cols - 1 and not connections[1, row, col] and uniform(state) < percolation:
                connections[1, row, col] = True
