"""Wilson's algorithm: a uniformly random spanning tree from loop-erased random walks.

Wilson (1996), Generating random spanning trees more quickly than the cover time. The last exit of each
cell is kept (overwriting it erases loops), so a walk costs its length and nothing more.
"""

from typing import no_type_check

from numba import njit

from maze_rl.mazes.breadth_first import step
from maze_rl.mazes.counter_random import below
from maze_rl.mazes.generators.depth_first import inside, open_wall


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
