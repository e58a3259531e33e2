"""Format `cells`: one token per cell and its open sides, ``(0,0)[SE]``; a cell and its exits are read at once.

Origin, target and path are plain cell tokens. Each ring's cells come before what the list says of them, ring after
ring, so a smaller canvas is a prefix of a larger one.
"""

import numpy as np

from maze_rl.tokenization.corner_first import corner_first_cells
from maze_rl.tokenization.layouts import SPECIAL_WORDS, Layout, cell_word

NUM_WAYS = 16
"""Ways the four sides of a cell can be open or closed."""
_LETTERS = (("N", 4), ("S", 1), ("E", 2), ("W", 8))


def cells(canvas: int) -> Layout:
    """Build the layout for a `canvas` x `canvas` grid: 11 special words, then ring by ring cells and list words."""
    words: list[str] = list(SPECIAL_WORDS)
    cell_tokens = np.empty((canvas, canvas, 1), np.int32)
    open_cell_ids = np.empty((canvas, canvas, NUM_WAYS), np.int32)
    for level in range(canvas):
        ring = [cell for cell in corner_first_cells(canvas) if max(cell) == level]
        for cell in ring:
            cell_tokens[cell] = len(words)
            words.append(cell_word(*cell))
        for cell in ring:
            open_cell_ids[cell] = np.arange(len(words), len(words) + NUM_WAYS)
            words += [cell_word(*cell) + sides_word(sides) for sides in range(NUM_WAYS)]
    return Layout(tuple(words), cell_tokens, open_cell_ids=open_cell_ids)


def sides_word(sides: int) -> str:
    """Write which sides are open, given as the sum of down 1, right 2, up 4, left 8: ``[NE]`` for 6, ``[]`` for 0."""
    return f"[{''.join(letter for letter, bit in _LETTERS if sides & bit)}]"
