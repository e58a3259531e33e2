"""Braid: a depth-first tree whose dead ends are opened into cycles, a given share of them.

Dead ends are taken in a random order; one that is still a dead end opens one of its walls at random, until the share
asked for is gone. A wall between two dead ends ends both at once.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.breadth_first import degree, is_open, step
from maze_rl.mazes.carving import inside, open_wall
from maze_rl.mazes.counter_random import below
from maze_rl.mazes.generators.depth_first import carve_depth_first, depth_first_scratch


def braid(
    connections: Bool[ndarray, "num 2 rows cols"],
    states: UInt64[ndarray, "num 2"],
    pending: Int64[ndarray, " k"],
    *,
    braid: int | float = 0.5,
) -> bool:
    """Carve depth-first trees and open the share `braid` of their dead ends, to the nearest number (or one more)."""
    _carve_rows(connections, states, pending, braid)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending, share):
    free, stack = depth_first_scratch(connections.shape[2], connections.shape[3])
    for row in pending:
        carve_depth_first(connections[row], states[row], free, stack, len(stack), len(stack), True)
        _open_dead_ends(connections[row], states[row], stack, share)


@njit(cache=True, nogil=True)
@no_type_check
def _open_dead_ends(connections, state, dead_ends, share):
    _, rows, cols = connections.shape
    num_dead_ends = 0
    for cell in range(rows * cols):
        if degree(connections, cell) == 1:
            dead_ends[num_dead_ends] = cell
            num_dead_ends += 1
    # rounded to the nearest number of dead ends
    left = int(share * num_dead_ends + 0.5)
    walls = np.empty(4, np.int64)
    for position in range(num_dead_ends):
        if left <= 0:
            break
        other = position + below(state, num_dead_ends - position)
        dead_ends[position], dead_ends[other] = dead_ends[other], dead_ends[position]
        cell = dead_ends[position]
        if degree(connections, cell) != 1:
            continue
        num_walls = 0
        for direction in range(4):
            if inside(cell, direction, rows, cols) and not is_open(connections, cell, direction):
                walls[num_walls] = direction
                num_walls += 1
        if num_walls == 0:
            continue
        direction = walls[below(state, num_walls)]
        left -= 1 + (degree(connections, step(cell, direction, cols)) == 1)
        open_wall(connections, cell, direction)
