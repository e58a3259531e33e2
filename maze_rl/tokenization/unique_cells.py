"""Format `unique_cells`: one token per cell, an edge is ``(r,c) <--> (r,c) ;``.

Text and ids equal maze-dataset's AOTP_UT_uniform, byte for byte.
"""

import numpy as np

from maze_rl.tokenization.corner_first import corner_first_cells
from maze_rl.tokenization.layouts import NUM_SPECIAL, SPECIAL_WORDS, Layout, cell_word


def unique_cells(canvas: int) -> Layout:
    """Build the layout for a `canvas` x `canvas` grid: 11 special words, then cells corner first."""
    cells = corner_first_cells(canvas)
    cell_tokens = np.empty((canvas, canvas, 1), np.int32)
    for position, cell in enumerate(cells):
        cell_tokens[cell] = NUM_SPECIAL + position
    return Layout((*SPECIAL_WORDS, *(cell_word(*cell) for cell in cells)), cell_tokens)
