"""The compiled encoder: maze arrays to token ids in one pass, no strings.

A sequence is ``<ADJLIST_START> edges <ADJLIST_END> <ORIGIN_START> cell <ORIGIN_END> <TARGET_START> cell
<TARGET_END> <PATH_START> path <PATH_END>``, or origin and target before the list. Where the origin is on the path, it
has no marks: the path begins with its cell, and so does what is given. Edges come in a random order, each with its
cells in a random order, from the stream of the maze's index; unshuffled, they are sorted by their nearer and then their
farther cell. A format may list all cells with their open sides instead, in a random order or row-major.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Int64
from numba import njit
from numpy import ndarray

from maze_rl.displays.short_repr import short_repr
from maze_rl.mazes.counter_random import below, next_bits, scaled, start_stream
from maze_rl.tokenization.layouts import (
    ADJLIST_END,
    ADJLIST_START,
    CONNECTOR,
    NORTH,
    ORIGIN_END,
    ORIGIN_START,
    PADDING,
    PATH_END,
    PATH_START,
    SEPARATOR,
    TARGET_END,
    TARGET_START,
    Layout,
)

_30_BITS = (1 << 30) - 1
_ONE = np.uint64(1)
_at = np.uint64
"""An unsigned index spares the test whether it counts from the end, which costs more than the token it writes."""


class Tables(NamedTuple):
    """What the kernels look up and how they write."""

    __repr__ = short_repr

    cells: Int64[ndarray, " cells_times_tokens"]
    """Ids that spell a cell, for all cells of the canvas, row-major."""
    places: tuple[int, ...]
    """One number per token of a cell: its length is known to the compiler, which unrolls the loops over it."""
    canvas: int
    edges: Int64[ndarray, "2 2 edge_rows edge_cols"]
    """Ids of [closed or open, direction, row, col]; empty where edges are spelled by cells."""
    open_cells: Int64[ndarray, "rows cols 16"]
    """Ids of [row, col, open sides]; empty where edges are listed."""
    moves: Int64[ndarray, " directions"]
    """Ids of the steps down, right, up, left, or of the turns; empty where the path is written as cells."""
    turns: int
    """1 if a step is told from the way of the one before."""
    wall: int
    """Id between the cells of a closed edge."""
    connectors: bool
    walls: int
    """1 if closed edges are listed."""
    query_first: bool
    origin_on_path: bool


def tables_of(layout: Layout) -> Tables:
    """Return the tables of a layout for the kernels."""
    edges = np.empty((2, 2, 0, 0), np.int64)
    if layout.edge_ids is not None:
        closed = np.full_like(layout.edge_ids, -1) if layout.wall_ids is None else layout.wall_ids
        edges = np.stack([closed, layout.edge_ids]).astype(np.int64)
    open_cells = np.empty((0, 0, 16), np.int64) if layout.open_cell_ids is None else layout.open_cell_ids
    return Tables(
        cells=layout.cell_tokens.astype(np.int64).ravel(),
        places=(0,) * layout.tokens_per_cell,
        canvas=layout.canvas,
        edges=edges,
        open_cells=open_cells.astype(np.int64),
        moves=layout.path_move_ids.astype(np.int64),
        turns=int(layout.path_as_turns),
        wall=layout.wall_id,
        connectors=layout.connectors,
        walls=int(layout.walls),
        query_first=layout.query_first,
        origin_on_path=layout.origin_on_path,
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


@njit(inline="always")
@no_type_check
def _item(tables, is_open, direction, y, x):
    """Return an edge as one Int64: its own id, or its nearer and farther cell in 30 bits each and whether it is closed.

    The cells lie 32 bits apart, so that a shift by 32 turns the edge round.
    """
    if tables.edges.shape[2] > 0:
        return tables.edges[_at(is_open), _at(direction), _at(y), _at(x)]
    nearer = y * tables.canvas + x
    farther = nearer + (1 if direction else tables.canvas)
    return ((1 - is_open) << 62) | (nearer << 32) | farther


@njit(cache=True, nogil=True)
@no_type_check
def _list_edges(connections, offset, tables, edges):
    """Write the edges of one maze that are listed into `edges` (Int64), down edges first, row-major; return how many.

    Shuffling starts from this order, so it decides the ids of every shuffled sequence.
    """
    _, rows, cols = connections.shape
    top, left = np.int64(offset[0]), np.int64(offset[1])
    count = 0
    for direction in range(2):
        for row in range(rows - (1 - direction)):
            for col in range(cols - direction):
                is_open = np.int64(connections[_at(direction), _at(row), _at(col)])
                # Written in any case, kept only if listed: no branch for the processor to guess.
                edges[_at(count)] = _item(tables, is_open, direction, row + top, col + left)
                count += is_open | tables.walls
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _list_sorted_edges(connections, offset, tables, edges):
    """Write the edges that are listed sorted by their cells: for each cell its right edge, then its down edge."""
    _, rows, cols = connections.shape
    top, left = np.int64(offset[0]), np.int64(offset[1])
    count = 0
    for row in range(rows):
        for col in range(cols):
            for down in range(2):
                if row + down < rows and col + 1 - down < cols:
                    is_open = np.int64(connections[1 - down, row, col])
                    edges[count] = _item(tables, is_open, 1 - down, row + top, col + left)
                    count += is_open | tables.walls
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _list_cells(connections, offset, tables, items):
    """Write the ids of all cells of one maze with their open sides into `items` (Int64), row-major; return how many."""
    _, rows, cols = connections.shape
    top, left = np.int64(offset[0]), np.int64(offset[1])
    count = 0
    for row in range(rows):
        for col in range(cols):
            # Index -1 reads the last row or column, which the closed border makes a wall: no branch to guess.
            sides = (
                np.int64(connections[0, row, col])
                | np.int64(connections[1, row, col]) << 1
                | np.int64(connections[0, row - 1, col]) << 2
                | np.int64(connections[1, row, col - 1]) << 3
            )
            items[_at(count)] = tables.open_cells[_at(row + top), _at(col + left), _at(sides)]
            count += 1
    return count


@njit(inline="always")
@no_type_check
def _put_cell(token, at, cell, tables):
    """Write the tokens of a cell, given as its flat index on the canvas; return the position behind them."""
    num = len(tables.places)
    for place in range(num):
        token[_at(at + place)] = tables.cells[_at(cell * num + place)]
    return at + num


@njit(cache=True, nogil=True)
@no_type_check
def _put_edges(token, at, edges, num_edges, state, shuffle, tables):
    """Write the adjacency list, of edges or of cells, from position `at` on; return the position behind it."""
    fused = tables.edges.shape[2] > 0 or len(tables.open_cells) > 0
    for position in range(num_edges):
        edge, flip = edges[_at(position)], 0
        if shuffle:
            # one draw: its upper half chooses the edge, its last bit which of its cells comes first
            bits = next_bits(state)
            other = position + scaled(bits, num_edges - position)
            edge, edges[_at(other)] = edges[_at(other)], edge
            flip = np.int64(bits & _ONE) << 5
        if fused:
            token[_at(at)] = edge
            at += 1
            continue
        at = _put_cell(token, at, (edge >> (32 - flip)) & _30_BITS, tables)
        if tables.connectors:
            token[_at(at)] = CONNECTOR + (edge >> 62) * (tables.wall - CONNECTOR)
            at += 1
        at = _put_cell(token, at, (edge >> flip) & _30_BITS, tables)
        if tables.connectors:
            token[_at(at)] = SEPARATOR
            at += 1
    return at


@njit(inline="always")
@no_type_check
def _flat(cell, offset, canvas):
    return (np.int64(cell[0]) + offset[0]) * canvas + cell[1] + offset[1]


@njit(cache=True, nogil=True)
@no_type_check
def _put_query(token, at, origin, target, offset, tables):
    """Write origin, unless the path begins with it, and target with their marks; return the position behind them."""
    if not tables.origin_on_path:
        token[at] = ORIGIN_START
        at = _put_cell(token, at + 1, _flat(origin, offset, tables.canvas), tables)
        token[at] = ORIGIN_END
        at += 1
    token[at] = TARGET_START
    at = _put_cell(token, at + 1, _flat(target, offset, tables.canvas), tables)
    token[at] = TARGET_END
    return at + 1


@njit(cache=True, nogil=True)
@no_type_check
def _put_path(token, at, path, num_cells, offset, tables):
    """Write the path, without an origin that is given, and its end; return the position behind it."""
    if len(tables.moves) == 0:
        for position in range(np.int64(tables.origin_on_path), num_cells):
            at = _put_cell(token, at, _flat(path[_at(position)], offset, tables.canvas), tables)
    else:
        heading = NORTH * tables.turns
        for position in range(1, num_cells):
            down, right = path[position, 0] - path[position - 1, 0], path[position, 1] - path[position - 1, 1]
            direction = np.int64(1 - down if down != 0 else 2 - right)
            token[at] = tables.moves[(direction - heading) & 3]
            heading = direction * tables.turns
            at += 1
    token[at] = PATH_END
    return at + 1


@njit(cache=True, nogil=True)
@no_type_check
def encode_batch(
    connections,
    origins,
    targets,
    paths,
    path_cells,
    offsets,
    tables,
    key,
    streams,
    shuffle,
    tokens,
    path_start,
    lengths,
):
    """Fill every element of `tokens`, `path_start` and `lengths`; `path_cells` = 0 writes prompts only."""
    batch, _, rows, cols = connections.shape
    edges = np.empty(2 * rows * cols + 1, np.int64)
    state = np.empty(2, np.uint64)
    for index in range(batch):
        start_stream(state, key, streams[index])
        below(state, 1)
        below(state, 1)  # the two numbers that chose the offset
        token, offset = tokens[index], offsets[index]
        at = np.int64(0)  # a plain 0 would be a type of its own, and compile what it is given to twice
        if len(tables.open_cells) > 0:
            num_edges = _list_cells(connections[index], offset, tables, edges)
        elif shuffle:
            num_edges = _list_edges(connections[index], offset, tables, edges)
        else:
            num_edges = _list_sorted_edges(connections[index], offset, tables, edges)
        if tables.query_first:
            at = _put_query(token, at, origins[index], targets[index], offset, tables)
        token[at] = ADJLIST_START
        at = _put_edges(token, at + 1, edges, num_edges, state, shuffle, tables)
        token[at] = ADJLIST_END
        at += 1
        if not tables.query_first:
            at = _put_query(token, at, origins[index], targets[index], offset, tables)
        token[at] = PATH_START
        path_start[index] = at
        at += 1
        if tables.origin_on_path:
            at = _put_cell(token, at, _flat(origins[index], offset, tables.canvas), tables)
        if path_cells[index] > 0:
            at = _put_path(token, at, paths[index], path_cells[index], offset, tables)
        token[at:] = PADDING
        lengths[index] = at
