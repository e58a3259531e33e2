"""Format `row_column`: two tokens per cell, ``r3 c4``; what is learned about a row serves all its cells."""

import numpy as np

from maze_rl.tokenization.layouts import NUM_SPECIAL, SPECIAL_WORDS, Layout


def row_column(canvas: int) -> Layout:
    """Build the layout for a `canvas` x `canvas` grid: 11 special words, then ``r0 c0 r1 c1`` and so on."""
    row, col = np.indices((canvas, canvas), np.int32)
    words = (f"{axis}{number}" for number in range(canvas) for axis in "rc")
    return Layout((*SPECIAL_WORDS, *words), np.stack([2 * row, 2 * col + 1], axis=-1) + np.int32(NUM_SPECIAL))
