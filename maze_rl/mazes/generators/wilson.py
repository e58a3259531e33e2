"""Wilson's algorithm: a uniformly random spanning tree from loop-erased random walks.

Wilson (1996), Generating random spanning trees more quickly than the cover time. The last exit of each
cell is kept (overwriting it erases loops), so a walk costs its length and nothing more.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.breadth_first import step
from maze_rl.mazes.carving import inside, open_wall
from maze_rl.mazes.counter_random import below


def wilson(
    connections: Bool[ndarray, "num 2 rows cols"], states: UInt64[ndarray, "num 2"], pending: Int64[ndarray, " k"]
) -> bool:
    """Carve uniform spanning trees."""
    _carve_rows(connections, states, pending)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending):
    cells = connections.shape[2] * connections.shape[3]
    in_tree, exits = np.empty(cells, np.bool_), np.empty(cells, np.int32)
    for row in pending:
        carve_wilson(connections[row], states[row], in_tree, exits)


@njit(cache=True, nogil=True)
@no_type_check
def carve_wilson(connections, state, in_tree, exits):
    """Carve a uniform spanning tree into `connections`; `in_tree` Bool[cells], `exits` Int32[cells] are scratch."""
    _, rows, cols = connections.shape
    cells = rows * cols
    in_tree[:] = False
    in_tree[below(state, cells)] = True
    for start in range(cells):
        cell = start
        while not in_tree[cell]:
            direction = below(state, 4)
            # A step off the grid is drawn again: the walk stays uniform over the real neighbours.
            while not inside(cell, direction, rows, cols):
                direction = below(state, 4)
            exits[cell] = direction
            cell = step(cell, direction, cols)
        cell = start
        while not in_tree[cell]:
            in_tree[cell] = True
            open_wall(connections, cell, exits[cell])
            cell = step(cell, exits[cell], cols)
