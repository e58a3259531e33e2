"""What else stands on a training canvas: other mazes, each with a target of its own, and stray tokens.

Stray tokens are cells (or edges) that belong to no maze, lead into none and are never asked about. Both show a model
pairs of cells that are as far apart as those of larger mazes. Where there is less room than asked for, all there is is
taken. What is drawn is a function of (seed, index of the first maze of the canvas).
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Int16, Int64
from numba import njit
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.counter_random import below, start_stream
from maze_rl.seeding import stream_key
from maze_rl.tokenization.layouts import PADDING, STEPS, Layout
from maze_rl.tokenization.spans import TokenSpans

_TRIES = 20
"""Places tried for a further maze before the canvas counts as full."""


@dataclass(frozen=True, eq=False)
class Placement(Shown):
    """Which mazes share a canvas, and where they lie."""

    first: Int64[ndarray, " canvases_and_end"]
    """First maze of each canvas; mazes follow one another."""
    offsets: Int16[ndarray, "mazes 2"]
    """Where each maze's cell (0, 0) lies."""


@dataclass(frozen=True, eq=False)
class Composed(Shown):
    """Sequences of whole canvases, and where each token behind the prompt comes from."""

    tokens: Int64[ndarray, "canvases pos"]
    path_start: Int64[ndarray, " canvases"]
    lengths: Int64[ndarray, " canvases"]
    source_row: Int64[ndarray, "canvases pos"]
    """Row of the single sequence that a token behind ``<PATH_START>`` is from; -1 elsewhere."""
    source_pos: Int64[ndarray, "canvases pos"]


def place_mazes(
    shapes: Int64[ndarray, "mazes 2"], canvas: int, most: int, random_offsets: bool, seed: int, start: int
) -> Placement:
    """Put mazes on canvases in their order, 1 to `most` on each, drawn evenly, none over another.

    Args:
        shapes: Rows and columns of each maze.
        canvas: Cells per side.
        most: Most mazes on a canvas.
        random_offsets: Whether a maze alone lies anywhere, or at the corner.
        seed: Seed of the run.
        start: Index of the first maze in its stream.
    """
    first, offsets = np.empty(len(shapes) + 1, np.int64), np.empty((len(shapes), 2), np.int16)
    key = np.uint64(stream_key(seed, "canvas"))
    count = _place(shapes, canvas, most, random_offsets, key, start, first, offsets)
    return Placement(first[: count + 1].copy(), offsets)


@njit(cache=True, nogil=True)
@no_type_check
def _place(shapes, canvas, most, random_offsets, key, start, first, offsets):
    state = np.empty(2, np.uint64)
    count, wanted = 0, 0
    for maze in range(len(shapes)):
        placed = False
        if maze > 0 and maze - first[count - 1] < wanted:
            for _ in range(_TRIES):
                for axis in range(2):
                    offsets[maze, axis] = below(state, canvas - shapes[maze, axis] + 1)
                if not _overlaps(shapes, offsets, first[count - 1], maze):
                    placed = True
                    break
        if not placed:  # a canvas of its own
            first[count] = maze
            count += 1
            start_stream(state, key, start + maze)
            wanted = 1 + below(state, most)
            for axis in range(2):
                # beyond the border as often as inside, then clipped: so corners are not rare
                span = shapes[maze, axis]
                drawn = below(state, canvas + span - 1) - (span - 1) if random_offsets else 0
                offsets[maze, axis] = min(max(drawn, 0), canvas - span)
    first[count] = len(shapes)
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _overlaps(shapes, offsets, first, maze):
    """Tell whether a maze shares a cell with one of the mazes from `first` up to it."""
    for other in range(first, maze):
        apart = False
        for axis in range(2):
            before = offsets[maze, axis] + shapes[maze, axis] <= offsets[other, axis]
            apart |= before or offsets[other, axis] + shapes[other, axis] <= offsets[maze, axis]
        if not apart:
            return True
    return False


def compose(
    spans: TokenSpans,
    placement: Placement,
    shapes: Int64[ndarray, "mazes 2"],
    stray: int,
    shuffle: bool,
    seed: int,
    start: int,
) -> Composed:
    """Write one sequence for each canvas from the sequences of its mazes.

    Args:
        spans: The sequences of the single mazes, segments included; a list of one-token things.
        placement: Which of them share a canvas.
        shapes: Rows and columns of each maze.
        stray: Most stray tokens on a canvas; their number is drawn evenly from 0 on.
        shuffle: Whether the list is shuffled.
        seed: Seed of the run.
        start: Index of the first maze in its stream.
    """
    layout, canvases = spans.layout, len(placement.first) - 1
    path_start, lengths = spans.path_start.numpy(), spans.lengths.numpy()
    stray_ids, stray_cells = _stray_table(layout)
    tails = lengths - path_start - 1
    listed = path_start - layout.prompt_tokens(0) + 1
    firsts, num_mazes = placement.first[:-1], np.diff(placement.first)
    longest = np.add.reduceat(listed + tails, firsts) + stray + layout.prompt_tokens(0) + num_mazes - 1
    tokens = np.full((canvases, int(longest.max())), PADDING, np.int64)
    rows, positions = np.full((2, *tokens.shape), -1, np.int64)
    starts, ends = np.empty(canvases, np.int64), np.empty(canvases, np.int64)
    list_start = 1 + layout.query_tokens * layout.query_first
    target_at = spans.target_start.numpy()
    key = np.uint64(stream_key(seed, "stray"))
    _compose(
        spans.tokens.numpy(),
        path_start,
        lengths,
        list_start,
        listed,
        target_at,
        placement.first,
        placement.offsets,
        shapes,
        layout.canvas,
        stray,
        stray_ids,
        stray_cells,
        shuffle,
        key,
        start,
        tokens,
        starts,
        ends,
        rows,
        positions,
    )
    width = int(ends.max())
    return Composed(tokens[:, :width], starts, ends, rows[:, :width], positions[:, :width])


def _stray_table(layout: Layout) -> tuple[Int64[ndarray, "things ids"], Int64[ndarray, "things 2"]]:
    """Return the ids each thing of the list may have, and the flat cells it touches (twice the same for a cell)."""
    canvas = layout.canvas
    flat = np.arange(canvas * canvas).reshape(canvas, canvas)
    if layout.open_cell_ids is not None:
        return layout.open_cell_ids.reshape(-1, 16).astype(np.int64), np.stack([flat.ravel(), flat.ravel()], axis=1)
    assert layout.edge_ids is not None, "stray tokens need a format with one token for each thing listed"
    direction, row, col = np.nonzero(layout.edge_ids >= 0)
    ends = flat[row, col], flat[row + (direction == 0), col + (direction == 1)]
    return layout.edge_ids[direction, row, col].astype(np.int64)[:, None], np.stack(ends, axis=1)


@njit(cache=True, nogil=True)
@no_type_check
def _compose(
    source,
    path_start,
    lengths,
    list_start,
    listed,
    target_at,
    first,
    offsets,
    shapes,
    canvas,
    stray,
    stray_ids,
    stray_cells,
    shuffle,
    key,
    start,
    tokens,
    starts,
    ends,
    rows,
    positions,
):
    state = np.empty(2, np.uint64)
    occupied = np.zeros(canvas * canvas, np.bool_)
    free = np.empty(len(stray_cells), np.int64)
    for index in range(len(first) - 1):
        begin, end = first[index], first[index + 1]
        start_stream(state, key, start + begin)
        out = tokens[index]
        # a plain 0 would be a type of its own, and compile this a second time
        at = _copy_query(source, begin, end, np.int64(0), list_start, target_at, out, np.int64(0))
        list_begin = at
        for maze in range(begin, end):
            listing = source[maze, list_start : list_start + listed[maze]]
            out[at : at + len(listing)] = listing
            at += len(listing)
        if stray > 0:
            _occupy(occupied, offsets, shapes, canvas, begin, end)
            at = _put_stray(out, at, occupied, free, stray_ids, stray_cells, canvas, stray, state)
        if shuffle:
            _shuffle(out[list_begin:at], state)
        at = _copy_query(source, begin, end, list_start + listed[begin], path_start[begin] + 1, target_at, out, at)
        starts[index] = at - 1
        for maze in range(begin, end):
            for position in range(path_start[maze] + 1, lengths[maze]):
                out[at], rows[index, at], positions[index, at] = source[maze, position], maze, position
                at += 1
        ends[index] = at


@njit(cache=True, nogil=True)
@no_type_check
def _copy_query(source, begin, end, first, last, target_at, out, at):
    """Copy tokens `first` to `last` of the first maze's prompt; behind its target come those of the other mazes."""
    for position in range(first, last):
        out[at] = source[begin, position]
        at += 1
        if position == target_at[begin]:
            for maze in range(begin + 1, end):
                out[at] = source[maze, target_at[maze]]
                at += 1
    return at


@njit(cache=True, nogil=True)
@no_type_check
def _shuffle(values, state):
    for position in range(len(values) - 1):
        other = position + below(state, len(values) - position)
        values[position], values[other] = values[other], values[position]


@njit(cache=True, nogil=True)
@no_type_check
def _occupy(occupied, offsets, shapes, canvas, begin, end):
    """Mark the cells of the mazes `begin` to `end`."""
    occupied[:] = False
    for maze in range(begin, end):
        for row in range(shapes[maze, 0]):
            left = (offsets[maze, 0] + row) * canvas + offsets[maze, 1]
            occupied[left : left + shapes[maze, 1]] = True


@njit(cache=True, nogil=True)
@no_type_check
def _put_stray(out, at, occupied, free, stray_ids, stray_cells, canvas, stray, state):
    """Write 0 to `stray` things that touch no maze, drawn without replacement; return the position behind them."""
    wanted, count = below(state, stray + 1), 0
    for thing in range(len(stray_cells)):
        if not (occupied[stray_cells[thing, 0]] or occupied[stray_cells[thing, 1]]):
            free[count] = thing
            count += 1
    for number in range(min(wanted, count)):
        place = number + below(state, count - number)
        thing, free[place] = free[place], free[number]
        sides = 0
        if stray_ids.shape[1] > 1:
            sides = _open_sides(stray_cells[thing, 0], occupied, canvas, below(state, 16))
        out[at] = stray_ids[thing, sides]
        at += 1
    return at


@njit(cache=True, nogil=True)
@no_type_check
def _open_sides(cell, occupied, canvas, sides):
    """Return which of the open `sides` (bits) of a cell stay: none leads off the canvas or into a maze."""
    kept = 0
    for direction in range(4):
        row = cell // canvas + STEPS[direction, 0]
        col = cell % canvas + STEPS[direction, 1]
        if 0 <= row < canvas and 0 <= col < canvas and not occupied[row * canvas + col]:
            kept |= sides & (1 << direction)
    return kept
