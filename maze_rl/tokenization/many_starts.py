"""Many starts behind one prompt: cells that begin paths of their own, each of which sees the prompt and itself."""

import numpy as np
import torch
from jaxtyping import Bool, Int, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.spans import TokenSpans


def many_starts(
    spans: TokenSpans, mazes: Int64[ndarray, " start"], cells: Int[ndarray, "start 2"]
) -> tuple[Int64[Tensor, "maze pos"], Int64[Tensor, "maze pos"], Bool[Tensor, "maze pos"]]:
    """Put the starts of each maze behind its prompt.

    Args:
        spans: Labels of the prompts alone.
        mazes: Row of each start's maze, ascending.
        cells: (row, col) of each start, in the maze's own coordinates.

    Returns:
        The tokens, the segment of each position (0 for prompt and padding) and the last position of each start.
    """
    layout, size = spans.layout, spans.layout.tokens_per_cell
    prompt_end = spans.path_start.numpy() + 1
    place = np.arange(len(mazes)) - np.searchsorted(mazes, mazes)
    counts = np.bincount(mazes, minlength=len(prompt_end))
    shape = len(prompt_end), int((prompt_end + counts * size).max())
    in_prompt = np.arange(shape[1]) < prompt_end[:, None]
    tokens, segments = np.full(shape, PADDING, np.int64), np.zeros(shape, np.int64)
    width = min(shape[1], spans.tokens.shape[1])
    tokens[:, :width][in_prompt[:, :width]] = spans.tokens.numpy()[:, :width][in_prompt[:, :width]]
    at = (prompt_end[mazes] + place * size)[:, None] + np.arange(size)
    on_canvas = cells + spans.offsets.numpy()[mazes]
    tokens[mazes[:, None], at] = layout.cell_tokens[on_canvas[:, 0], on_canvas[:, 1]]
    segments[mazes[:, None], at] = place[:, None] + 1
    chosen = np.zeros(shape, np.bool_)
    chosen[mazes, at[:, -1]] = True
    return torch.from_numpy(tokens), torch.from_numpy(segments), torch.from_numpy(chosen)
