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
    PATH_END,
    PATH_START,
    SEPARATOR,
    TARGET_END,
    TARGET_START,
)
from maze_rl.tokenization.spans import Region

_ADJACENCY, _ORIGIN, _TARGET, _PATH, _DELIMITER = (
    int(region) for region in (Region.ADJACENCY, Region.ORIGIN, Region.TARGET, Region.PATH, Region.DELIMITER)
)


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
    """Write the open edges of one maze as (direction, row, col) into `edges`; return how many."""
    _, rows, cols = connections.shape
    count = 0
    for direction in range(2):
        for row in range(rows):
            for col in range(cols):
                if connections[direction, row, col]:
                    edges[count, 0], edges[count, 1], edges[count, 2] = direction, row, col
                    count += 1
    return count


@njit(inline="always")
@no_type_check
def _put(tokens, regions, position, token, region):
    tokens[position] = token
    regions[position] = region
    return position + 1


@njit(inline="always")
@no_type_check
def _put_cell(tokens, regions, cells, position, row, col, offset, cell_ids, region):
    cells[position, 0], cells[position, 1] = row, col
    return _put(tokens, regions, position, cell_ids[row + offset[0], col + offset[1]], region)


@njit(cache=True, nogil=True)
@no_type_check
def encode_batch(
    connections, origins, targets, paths, path_cells, offsets, cell_ids, edge_ids, key, streams, shuffle,
    tokens, regions, cells, labels, path_start, lengths,
):  # fmt: skip
    """Fill the output arrays (`tokens` .. `lengths`) for a batch; `path_cells` = 0 writes prompts only."""
    batch, _, rows, cols = connections.shape
    edges = np.empty((2 * rows * cols, 3), np.int64)
    state = np.empty(2, np.uint64)
    fused = edge_ids.shape[1] > 0
    for index in range(batch):
        start_stream(state, key, streams[index])
        below(state, 1)
        below(state, 1)  # the two numbers that chose the offset
        token, region, cell, label, offset = (
            tokens[index],
            regions[index],
            cells[index],
            labels[index],
            offsets[index],
        )
        num_edges = list_edges(connections[index], edges)
        at = _put(token, region, 0, ADJLIST_START, _DELIMITER)
        for position in range(num_edges):
            if shuffle:
                other = position + below(state, num_edges - position)
                for axis in range(3):
                    edges[position, axis], edges[other, axis] = edges[other, axis], edges[position, axis]
            direction, row, col = edges[position]
            first = at
            if fused:
                edge_id = edge_ids[direction, row + offset[0], col + offset[1]]
                at = _put(token, region, at, edge_id, _ADJACENCY)
            else:
                flip = below(state, 2) if shuffle else 0
                down, right = 1 - direction, direction
                at = _put_cell(
                    token,
                    region,
                    cell,
                    at,
                    row + flip * down,
                    col + flip * right,
                    offset,
                    cell_ids,
                    _ADJACENCY,
                )
                at = _put(token, region, at, CONNECTOR, _ADJACENCY)
                flip = 1 - flip
                at = _put_cell(
                    token,
                    region,
                    cell,
                    at,
                    row + flip * down,
                    col + flip * right,
                    offset,
                    cell_ids,
                    _ADJACENCY,
                )
                at = _put(token, region, at, SEPARATOR, _ADJACENCY)
            for position_of_edge in range(first, at):
                for axis in range(3):
                    label[position_of_edge, axis] = edges[position, axis]
        at = _put(token, region, at, ADJLIST_END, _DELIMITER)
        at = _put(token, region, at, ORIGIN_START, _DELIMITER)
        at = _put_cell(token, region, cell, at, origins[index, 0], origins[index, 1], offset, cell_ids, _ORIGIN)
        at = _put(token, region, at, ORIGIN_END, _DELIMITER)
        at = _put(token, region, at, TARGET_START, _DELIMITER)
        at = _put_cell(token, region, cell, at, targets[index, 0], targets[index, 1], offset, cell_ids, _TARGET)
        at = _put(token, region, at, TARGET_END, _DELIMITER)
        path_start[index] = at
        at = _put(token, region, at, PATH_START, _DELIMITER)
        for position in range(path_cells[index]):
            row, col = paths[index, position, 0], paths[index, position, 1]
            at = _put_cell(token, region, cell, at, row, col, offset, cell_ids, _PATH)
        if path_cells[index] > 0:
            at = _put(token, region, at, PATH_END, _DELIMITER)
        lengths[index] = at
