"""Recursive division: an open hall is cut by a wall with one gap, and both halves again, down to corridors.

A hall is cut across its longer side, a square one either way with equal chance; where the wall stands and where its
gap lies are uniform. Long straight walls; many spanning trees never come out.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.counter_random import below


def recursive_division(
    connections: Bool[ndarray, "num 2 rows cols"], states: UInt64[ndarray, "num 2"], pending: Int64[ndarray, " k"]
) -> bool:
    """Carve trees by adding walls."""
    _carve_rows(connections, states, pending)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending):
    cells = connections.shape[2] * connections.shape[3]
    halls = np.empty((cells + 1, 4), np.int32)
    for row in pending:
        _carve(connections[row], states[row], halls)


@njit(cache=True, nogil=True)
@no_type_check
def _carve(connections, state, halls):
    """Carve one maze; `halls` Int32[cells, 4] is the stack of (top, left, height, width) still to be cut."""
    _, rows, cols = connections.shape
    connections[0, : rows - 1] = True
    connections[1, :, : cols - 1] = True
    num_halls = _push(halls, 0, 0, 0, rows, cols)
    while num_halls > 0:
        num_halls -= 1
        top, left, height, width = halls[num_halls]
        flat = height > width or (height == width and below(state, 2) == 0)
        if flat:
            above = 1 + below(state, height - 1)
            gap = left + below(state, width)
            for col in range(left, left + width):
                connections[0, top + above - 1, col] = col == gap
            num_halls = _push(halls, num_halls, top, left, above, width)
            num_halls = _push(halls, num_halls, top + above, left, height - above, width)
        else:
            before = 1 + below(state, width - 1)
            gap = top + below(state, height)
            for row in range(top, top + height):
                connections[1, row, left + before - 1] = row == gap
            num_halls = _push(halls, num_halls, top, left, height, before)
            num_halls = _push(halls, num_halls, top, left + before, height, width - before)


@njit(inline="always")
@no_type_check
def _push(halls, num_halls, top, left, height, width):
    """Put a hall on the stack if it can be cut; return how many lie there."""
    halls[num_halls, 0], halls[num_halls, 1] = top, left
    halls[num_halls, 2], halls[num_halls, 3] = height, width
    return num_halls + (height > 1 and width > 1)
