"""Format `coordinate_tuples`: five tokens per cell, ``( r , c )``; rows and columns share their number words.

Text and ids equal maze-dataset's AOTP_CTT_indexed, byte for byte.
"""

import numpy as np

from maze_rl.tokenization.layouts import NUM_SPECIAL, SPECIAL_WORDS, Layout

BRACKETS = ("(", ",", ")")
OPEN, COMMA, CLOSE = range(NUM_SPECIAL, NUM_SPECIAL + 3)
FIRST_NUMBER = NUM_SPECIAL + len(BRACKETS)


def coordinate_tuples(canvas: int) -> Layout:
    """Build the layout for a `canvas` x `canvas` grid: 11 special words, brackets and comma, then the numbers."""
    row, col = np.indices((canvas, canvas), np.int32) + FIRST_NUMBER
    marks = [np.full((canvas, canvas), mark, np.int32) for mark in (OPEN, COMMA, CLOSE)]
    cell_tokens = np.stack([marks[0], row, marks[1], col, marks[2]], axis=-1)
    return Layout((*SPECIAL_WORDS, *BRACKETS, *map(str, range(canvas))), cell_tokens)
