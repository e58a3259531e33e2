"""Randomized depth-first search (recursive backtracker): a tree with long corridors.

The root is uniform over the cells; from the newest cell with an unvisited neighbour, one of those is
chosen uniformly. Options end the search early: then the cells it never reached stay closed in.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

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
    free, stack = depth_first_scratch(connections.shape[2], connections.shape[3])
    for row in pending:
        carve_depth_first(connections[row], states[row], free, stack, most_cells, deepest, forks)


@njit(cache=True, nogil=True)
@no_type_check
def depth_first_scratch(rows, cols):
    """Return what `carve_depth_first` works on."""
    return np.empty((rows + 2, cols + 2), np.bool_), np.empty(rows * cols, np.int32)


@njit(cache=True, nogil=True)
@no_type_check
def carve_depth_first(connections, state, free, stack, most_cells, deepest, forks):
    """Carve a tree into `connections` (all closed).

    `free` Bool[rows + 2, cols + 2] and `stack` Int32[cells] are scratch. The grid stands in a frame of cells that are
    never free: no step need be checked against its border.
    """
    _, rows, cols = connections.shape
    cells, wide = rows * cols, cols + 2
    flat, frame = connections.reshape(2 * cells), free.reshape((rows + 2) * wide)
    free[:] = False
    free[1 : rows + 1, 1 : cols + 1] = True
    options = np.empty(5, np.int64)
    root = below(state, cells)
    at = (root // cols + 1) * wide + root % cols + 1
    frame[at] = False
    stack[0] = at
    depth, num_cells = 1, 1
    while depth > 0 and num_cells < most_cells:
        at = np.int64(stack[depth - 1])
        num_options = 0
        if depth <= deepest:
            # Written in any case, kept only if free: no branch for the processor to guess.
            options[num_options] = 0
            num_options += frame[at + wide]
            options[num_options] = 1
            num_options += frame[at + 1]
            options[num_options] = 2
            num_options += frame[at - wide]
            options[num_options] = 3
            num_options += frame[at - 1]
        if num_options == 0:
            if not forks:
                break
            depth -= 1
            continue
        direction = options[below(state, num_options)] if num_options > 1 else options[0]
        cell = (at // wide - 1) * cols + at % wide - 1
        flat[cell + (0 if direction == 0 else cells if direction == 1 else -cols if direction == 2 else cells - 1)] = (
            True
        )
        at += wide if direction == 0 else 1 if direction == 1 else -wide if direction == 2 else -1
        frame[at] = False
        stack[depth] = at
        depth += 1
        num_cells += 1
