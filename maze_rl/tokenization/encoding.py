"""The compiled encoder: maze arrays to token ids in one pass, no strings.

A sequence is ``<ADJLIST_START> edges <ADJLIST_END> <ORIGIN_START> cell <ORIGIN_END> <TARGET_START> cell
<TARGET_END> <PATH_START> cells <PATH_END>``. Edges come in a random order, each with its cells in a random
order, from the stream of the maze's index; unshuffled, down edges come first, then right ones, row-major.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from maze_rl.mazes.counter_random import below, next_bits, scaled, start_stream
from maze_rl.tokenization.layouts import (
    ADJLIST_END,
    ADJLIST_START,
    CONNECTOR,
    ORIGIN_END,
    ORIGIN_START,
    PADDING,
    PATH_END,
    PATH_START,
    SEPARATOR,
    TARGET_END,
    TARGET_START,
)

_32_BITS = 0xFFFFFFFF
_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
@no_type_check
def draw_offsets(shape, canvas, key, streams, random_offsets):
    """Return Int16[batch, 2]: where each maze lies on the canvas.

    An offset is uniform on [-(n - 1), canvas - 1] and clipped to [0, canvas - n], so that corners and
    edges of the canvas are trained too, which a uniform offset would leave rare.
    """
    offsets = np.zeros((len(streams), 2), np.int16)
    if not random_offsets:
        return offsets
    state = np.empty(2, np.uint64)
    for row in range(len(streams)):
        start_stream(state, key, streams[row])
        for axis in range(2):
            span = shape[axis]
            drawn = below(state, canvas + span - 1) - (span - 1)
            offsets[row, axis] = min(max(drawn, 0), canvas - span)
    return offsets


@njit(cache=True, nogil=True)
@no_type_check
def _list_edges(connections, offset, cell_ids, edge_ids, edges):
    """Write the ids of the open edges of one maze into `edges` (Int64); return how many.

    An edge is its own id, or, in formats that spell it, the ids of its nearer and farther cell, 32 bits each.
    """
    _, rows, cols = connections.shape
    top, left = offset
    fused = edge_ids.shape[1] > 0
    count = 0
    for direction in range(2):
        down, right = 1 - direction, direction
        for row in range(rows - down):
            for col in range(cols - right):
                y, x = row + top, col + left
                # Written in any case, kept only if open: no branch for the processor to guess.
                if fused:
                    edges[count] = edge_ids[direction, y, x]
                else:
                    edges[count] = (np.int64(cell_ids[y, x]) << 32) | cell_ids[y + down, x + right]
                count += connections[direction, row, col]
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _put_edges(token, edges, num_edges, state, shuffle, fused):
    """Write the adjacency list from position 1 on; return the position behind it."""
    at = 1
    for position in range(num_edges):
        edge, flip = edges[position], 0
        if shuffle:
            # one draw: its upper half chooses the edge, its last bit which of its cells comes first
            bits = next_bits(state)
            other = position + scaled(bits, num_edges - position)
            edge, edges[other] = edges[other], edge
            flip = np.int64(bits & _ONE) << 5
        if fused:
            token[at] = edge
            at += 1
        else:
            token[at], token[at + 2] = (edge >> (32 - flip)) & _32_BITS, (edge >> flip) & _32_BITS
            token[at + 1], token[at + 3] = CONNECTOR, SEPARATOR
            at += 4
    return at


@njit(inline="always")
@no_type_check
def _id(cell, offset, cell_ids):
    return cell_ids[cell[0] + offset[0], cell[1] + offset[1]]


@njit(cache=True, nogil=True)
@no_type_check
def encode_batch(
    connections, origins, targets, paths, path_cells, offsets, cell_ids, edge_ids, key, streams, shuffle,
    tokens, path_start, lengths,
):  # fmt: skip
    """Fill every element of `tokens`, `path_start` and `lengths`; `path_cells` = 0 writes prompts only."""
    batch, _, rows, cols = connections.shape
    edges = np.empty(2 * rows * cols + 1, np.int64)
    state = np.empty(2, np.uint64)
    fused = edge_ids.shape[1] > 0
    for index in range(batch):
        start_stream(state, key, streams[index])
        below(state, 1)
        below(state, 1)  # the two numbers that chose the offset
        token, offset = tokens[index], offsets[index]
        num_edges = _list_edges(connections[index], offset, cell_ids, edge_ids, edges)
        token[0] = ADJLIST_START
        at = _put_edges(token, edges, num_edges, state, shuffle, fused)
        token[at], token[at + 1], token[at + 3] = ADJLIST_END, ORIGIN_START, ORIGIN_END
        token[at + 2] = _id(origins[index], offset, cell_ids)
        token[at + 4], token[at + 6], token[at + 7] = TARGET_START, TARGET_END, PATH_START
        token[at + 5] = _id(targets[index], offset, cell_ids)
        path_start[index] = at + 7
        at += 8
        for position in range(path_cells[index]):
            token[at] = _id(paths[index, position], offset, cell_ids)
            at += 1
        if path_cells[index] > 0:
            token[at] = PATH_END
            at += 1
        token[at:] = PADDING
        lengths[index] = at
