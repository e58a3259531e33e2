"""The compiled encoder: maze arrays to token ids and labels in one pass, no strings.

A sequence is ``<ADJLIST_START> edges <ADJLIST_END> <ORIGIN_START> cell <ORIGIN_END> <TARGET_START> cell
<TARGET_END> <PATH_START> cells <PATH_END>``. Edges come in a random order, each with its cells in a random
order, from the stream of the maze's index; unshuffled, down edges come first, then right ones, row-major.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from maze_rl.mazes.counter_random import below, start_stream
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
from maze_rl.tokenization.spans import Region

_ADJACENCY, _ORIGIN, _TARGET, _PATH, _DELIMITER, _PADDING = map(int, Region)
_16_BITS = 0xFFFF


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
def list_edges(connections, edges):
    """Write the open edges of one maze into `edges` (Int64, 16 bits each of direction, row, col); return how many."""
    _, rows, cols = connections.shape
    count = 0
    for direction in range(2):
        for row in range(rows):
            for col in range(cols):
                if connections[direction, row, col]:
                    edges[count] = (direction << 32) | (row << 16) | col
                    count += 1
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _put_edges(connections, state, shuffle, edges, offset, cell_ids, edge_ids, token, cells, labels):
    """Write the adjacency list from position 1 on; return the position behind it. `edges` is scratch."""
    num_edges = list_edges(connections, edges)
    width = 1 if edge_ids.shape[1] > 0 else 4
    top, left = offset
    at = 1
    for position in range(num_edges):
        if shuffle:
            other = position + below(state, num_edges - position)
            edges[position], edges[other] = edges[other], edges[position]
        edge = edges[position]
        direction, row, col = edge >> 32, (edge >> 16) & _16_BITS, edge & _16_BITS
        for behind in range(at, at + width):
            labels[behind, 0], labels[behind, 1], labels[behind, 2] = direction, row, col
            cells[behind, 0] = cells[behind, 1] = -1
        if width == 1:
            token[at] = edge_ids[direction, row + top, col + left]
        else:
            # `flip` puts the farther cell first; the two cells differ in the row for direction 0, else in the column
            flip = below(state, 2) if shuffle else 0
            for place, far in ((at, flip), (at + 2, 1 - flip)):
                y, x = row + far * (1 - direction), col + far * direction
                token[place] = cell_ids[y + top, x + left]
                cells[place, 0], cells[place, 1] = y, x
            token[at + 1], token[at + 3] = CONNECTOR, SEPARATOR
        at += width
    return at


@njit(inline="always")
@no_type_check
def _put_word(token, regions, at, word):
    token[at] = word
    regions[at] = _DELIMITER
    return at + 1


@njit(inline="always")
@no_type_check
def _put_cell(token, regions, cells, at, cell, offset, cell_ids, region):
    token[at] = cell_ids[cell[0] + offset[0], cell[1] + offset[1]]
    regions[at] = region
    cells[at, 0], cells[at, 1] = cell
    return at + 1


@njit(cache=True, nogil=True)
@no_type_check
def encode_batch(
    connections, origins, targets, paths, path_cells, offsets, layout_cells, layout_edges, key, streams, shuffle,
    tokens, regions, cells, labels, path_start, lengths,
):  # fmt: skip
    """Fill every element of the output arrays (`tokens` .. `lengths`); `path_cells` = 0 writes prompts only."""
    batch, _, rows, cols = connections.shape
    edges = np.empty(2 * rows * cols, np.int64)
    state = np.empty(2, np.uint64)
    for index in range(batch):
        start_stream(state, key, streams[index])
        below(state, 1)
        below(state, 1)  # the two numbers that chose the offset
        token, region, cell, label, offset = tokens[index], regions[index], cells[index], labels[index], offsets[index]
        _put_word(token, region, 0, ADJLIST_START)
        at = _put_edges(
            connections[index], state, shuffle, edges, offset, layout_cells, layout_edges, token, cell, label
        )
        region[1:at] = _ADJACENCY
        cell[0] = label[0] = -1
        cell[at:] = -1
        label[at:] = -1
        at = _put_word(token, region, at, ADJLIST_END)
        at = _put_word(token, region, at, ORIGIN_START)
        at = _put_cell(token, region, cell, at, origins[index], offset, layout_cells, _ORIGIN)
        at = _put_word(token, region, at, ORIGIN_END)
        at = _put_word(token, region, at, TARGET_START)
        at = _put_cell(token, region, cell, at, targets[index], offset, layout_cells, _TARGET)
        at = _put_word(token, region, at, TARGET_END)
        path_start[index] = at
        at = _put_word(token, region, at, PATH_START)
        for position in range(path_cells[index]):
            at = _put_cell(token, region, cell, at, paths[index, position], offset, layout_cells, _PATH)
        if path_cells[index] > 0:
            at = _put_word(token, region, at, PATH_END)
        token[at:] = PADDING
        region[at:] = _PADDING
        lengths[index] = at
