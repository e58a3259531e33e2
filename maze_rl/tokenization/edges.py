"""Format `edges`: one token per lattice edge, ``(0,0)-(0,1)``; the shortest prompt, for CPUs and larger mazes.

Origin, target and path are cell tokens. Each ring's cells come before its edges, ring after ring, so a
smaller canvas is a prefix of a larger one.
"""

import numpy as np

from maze_rl.tokenization.corner_first import corner_first_cells, corner_first_edges, edge_cells, ring
from maze_rl.tokenization.layouts import SPECIAL_WORDS, Layout, cell_word


def edges(canvas: int) -> Layout:
    """Build the layout for a `canvas` x `canvas` grid: 11 special words, then ring by ring cells and edges."""
    words: list[str] = list(SPECIAL_WORDS)
    cell_tokens = np.empty((canvas, canvas, 1), np.int32)
    edge_ids = np.full((2, canvas, canvas), -1, np.int32)
    cells, all_edges = corner_first_cells(canvas), corner_first_edges(canvas)
    for level in range(canvas):
        for cell in (cell for cell in cells if max(cell) == level):
            cell_tokens[cell] = len(words)
            words.append(cell_word(*cell))
        for edge in (edge for edge in all_edges if ring(edge) == level):
            edge_ids[edge] = len(words)
            words.append("-".join(cell_word(*cell) for cell in edge_cells(edge)))
    return Layout(tuple(words), cell_tokens, edge_ids)
