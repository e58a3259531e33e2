"""What became of each rollout: tokens to cells, then valid, reaches, simple, shortest, progress.

A rollout is the cells p^0 .. p^m read until ``<PATH_END>``, until the first token that is no cell of the
maze, or until the budget is spent. Any of several shortest paths counts as shortest. A rollout that stops at
something unreadable is not valid; one without an end may be valid but does not reach: it fails, is never dropped.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float64, Int8, Int16, Int64
from numba import njit
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.breadth_first import is_open, step
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import BatchSolution
from maze_rl.tokenization.layouts import NORTH, PADDING, PATH_END, STEPS, Layout


class Stop(IntEnum):
    """Why a rollout has no further cell."""

    END = 0
    """``<PATH_END>``: the walk was declared finished."""
    OVER_BUDGET = 1
    """No end within the budget."""
    MALFORMED_TOKEN = 2
    """What names no cell: a token of the adjacency list, a delimiter or padding, or tokens that spell none."""
    MALFORMED_CELL = 3
    """A cell that lies outside the maze."""


@dataclass(frozen=True, eq=False)
class Rollouts(Shown):
    """One walk per maze, whoever walked: cells of the maze, not necessarily neighbours."""

    cells: Int16[ndarray, "batch length 2"]
    """(row, col) of each cell; -1 past the end."""
    num_cells: Int64[ndarray, " batch"]
    """Number of cells, m + 1."""
    stops: Int8[ndarray, " batch"]
    """A `Stop` for each walk."""


@dataclass(frozen=True, eq=False)
class Outcomes(Shown):
    """The outcomes of one rollout per maze; valid >= reaches >= shortest holds for each."""

    valid: Bool[ndarray, " batch"]
    """Readable, starts at the origin, and every step goes through an open edge."""
    reaches: Bool[ndarray, " batch"]
    """Valid and ended at the target."""
    simple: Bool[ndarray, " batch"]
    """Valid and without a repeated cell."""
    shortest: Bool[ndarray, " batch"]
    """Reaches in as few steps as possible."""
    exact_match: Bool[ndarray, " batch"]
    """Equals the one reference path; the same as `shortest` where that is unique."""
    steps: Int64[ndarray, " batch"]
    """m, one less than the cells walked; -1 for a rollout without cells."""
    optimal_steps: Int64[ndarray, " batch"]
    """D, the steps of a shortest path."""
    progress: Float64[ndarray, " batch"]
    """(D - least distance to the target on the valid prefix) / D."""


def most_cells(shape: tuple[int, int]) -> int:
    """Return how many cells a rollout may have: as many as the grid and two more."""
    return shape[0] * shape[1] + 2


def budget_for(shape: tuple[int, int], layout: Layout) -> int:
    """Return how many tokens a model may write: those of the most cells, without what is given, and the end."""
    return layout.written_tokens(most_cells(shape))


def parse_rollouts(
    tokens: Int64[ndarray, "batch new"],
    origins: Int16[ndarray, "batch 2"],
    offsets: Int16[ndarray, "batch 2"],
    shape: tuple[int, int],
    layout: Layout,
    budgets: Int64[ndarray, " batch"],
) -> Rollouts:
    """Read generated tokens as cells of the maze.

    A cell is as many tokens as the format gives it; a group of them that spells no cell stops the walk, one that the
    budget cuts does not count. Moves start at the origin, and so does all that is written behind an origin given on the
    path: it is then the first cell of every walk.

    Args:
        tokens: Ids generated behind what is given, right-padded after ``<PATH_END>`` and to the largest budget.
        origins: First cell of a walk written as moves, or behind its origin.
        offsets: Where each maze's cell (0, 0) lies on the canvas.
        shape: Rows and columns of the mazes.
        layout: The tables of the format.
        budgets: Number of tokens that could be generated; padding before that was the model's own.
    """
    groups = _grouped(tokens, layout.tokens_per_step)
    steps, allowed = groups.shape[1], budgets // layout.tokens_per_step
    if layout.path_as_moves:
        cells, readable = _follow_moves(groups[..., 0], origins, layout)
    else:
        on_canvas = _read_cells(groups, layout)
        cells, readable = on_canvas - offsets[:, None], on_canvas[..., 0] >= 0
    inside = readable & ((cells >= 0) & (cells < np.array(shape, np.int16))).all(axis=-1)
    inside &= np.arange(steps) < allowed[:, None]
    num_read = np.where(inside.all(axis=1), steps, np.argmin(inside, axis=1)).astype(np.int64)
    stops = np.full(len(tokens), Stop.OVER_BUDGET, np.int8)
    rows = np.flatnonzero(num_read < allowed)
    stops[rows] = np.where(readable[rows, num_read[rows]], Stop.MALFORMED_CELL, Stop.MALFORMED_TOKEN)
    # An end has room in the last group, which the budget may cut.
    rows = np.flatnonzero(num_read * layout.tokens_per_step < budgets)
    stops[rows[groups[rows, num_read[rows], 0] == PATH_END]] = Stop.END
    cells[np.arange(steps) >= num_read[:, None]] = -1
    if layout.starts_at_origin:
        return Rollouts(np.concatenate([origins[:, None], cells], axis=1), num_read + 1, stops)
    return Rollouts(np.ascontiguousarray(cells), num_read, stops)


def _grouped(tokens: ndarray, size: int) -> Int64[ndarray, "batch steps size"]:
    """Cut each row into groups of `size` tokens, the last one filled up."""
    filled = np.pad(tokens, ((0, 0), (0, -tokens.shape[1] % size)), constant_values=PADDING)
    return filled.reshape(len(tokens), -1, size)


def _read_cells(groups: Int64[ndarray, "batch steps size"], layout: Layout) -> Int16[ndarray, "batch steps 2"]:
    """Return the cell of the canvas that each group spells, -1 where it spells none."""
    known = (groups >= 0) & (groups < len(layout.words))
    ids = np.where(known, groups, PADDING)
    cells = np.stack([layout.row_of_id[ids[..., layout.row_place]], layout.col_of_id[ids[..., layout.col_place]]], -1)
    spelled = layout.cell_tokens[cells[..., 0], cells[..., 1]]
    return np.where((spelled == groups).all(axis=-1, keepdims=True), cells, np.int16(-1))


def _follow_moves(
    tokens: Int64[ndarray, "batch steps"], origins: Int16[ndarray, "batch 2"], layout: Layout
) -> tuple[Int16[ndarray, "batch steps 2"], Bool[ndarray, "batch steps"]]:
    """Return where each step leads, walls or not, and whether each token is a step."""
    is_word = tokens[..., None] == layout.path_move_ids
    is_step, directions = is_word.any(axis=-1), is_word.argmax(axis=-1)
    if layout.path_as_turns:
        directions = (NORTH + directions.cumsum(axis=1)) % 4
    steps = np.where(is_step[..., None], STEPS[directions], 0)
    return origins[:, None] + steps.cumsum(axis=1, dtype=np.int16), is_step


def judge(solution: BatchSolution, rollouts: Rollouts) -> Outcomes:
    """Judge one rollout per maze of a solved batch."""
    batch, cells, num_cells = solution.batch, rollouts.cells, rollouts.num_cells
    legal, repeated, nearest = _follow(batch.connections, batch.origins, solution.distances, cells, num_cells)
    steps, optimal_steps = num_cells - 1, solution.lengths
    readable = (rollouts.stops == Stop.END) | (rollouts.stops == Stop.OVER_BUDGET)
    valid = legal & readable
    reaches = valid & (rollouts.stops == Stop.END) & _ends_at_target(batch, cells, num_cells)
    shortest = reaches & (steps == optimal_steps)
    exact_match = shortest & _equal_paths(cells, solution.paths, num_cells)
    assert (valid >= reaches).all() and (reaches >= shortest).all()
    progress = 1 - nearest / np.maximum(optimal_steps, 1)
    return Outcomes(valid, reaches, valid & ~repeated, shortest, exact_match, steps, optimal_steps, progress)


def _ends_at_target(batch: MazeBatch, cells: ndarray, num_cells: ndarray) -> Bool[ndarray, " batch"]:
    if cells.shape[1] == 0:
        return np.zeros(len(batch), np.bool_)
    last = cells[np.arange(len(batch)), np.maximum(num_cells - 1, 0)]
    return (num_cells > 0) & (last == batch.targets).all(axis=1)


def _equal_paths(cells: ndarray, paths: ndarray, num_cells: ndarray) -> Bool[ndarray, " batch"]:
    width = min(cells.shape[1], paths.shape[1])
    used = np.arange(width) < num_cells[:, None]
    same = (cells[:, :width] == paths[:, :width]).all(axis=2)
    return (same | ~used).all(axis=1)


@njit(inline="always")
@no_type_check
def can_step(connections, cell, following):
    """Tell whether an open edge joins two flat cells; False for cells that are no neighbours."""
    for direction in range(4):
        if is_open(connections, cell, direction) and step(cell, direction, connections.shape[2]) == following:
            return True
    return False


@njit(cache=True, nogil=True)
@no_type_check
def _follow(connections, origins, distances, cells, num_cells):
    """Walk each rollout: is it legal, does a cell come twice, how near (Int32) does its valid prefix get."""
    batch, _, rows, cols = connections.shape
    legal, repeated = np.empty(batch, np.bool_), np.zeros(batch, np.bool_)
    nearest = np.empty(batch, np.int32)
    seen = np.full(rows * cols, -1, np.int64)
    for index in range(batch):
        field = distances[index].reshape(rows * cols)
        origin = np.int64(origins[index, 0]) * cols + origins[index, 1]
        nearest[index] = field[origin]
        legal[index] = num_cells[index] > 0
        previous = np.int64(-1)
        for position in range(num_cells[index]):
            cell = np.int64(cells[index, position, 0]) * cols + cells[index, position, 1]
            if seen[cell] == index:
                repeated[index] = True
            seen[cell] = index
            if position == 0:
                legal[index] = cell == origin
            elif legal[index]:
                legal[index] = can_step(connections[index], previous, cell)
            if legal[index]:
                nearest[index] = min(nearest[index], field[cell])
            previous = cell
    return legal, repeated, nearest
