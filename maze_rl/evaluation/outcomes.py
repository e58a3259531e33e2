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

from maze_rl.mazes.breadth_first import is_open, step
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import BatchSolution
from maze_rl.tokenization.layouts import PATH_END, Layout


class Stop(IntEnum):
    """Why a rollout has no further cell."""

    END = 0
    """``<PATH_END>``: the walk was declared finished."""
    OVER_BUDGET = 1
    """No end within the budget."""
    MALFORMED_TOKEN = 2
    """A token that names no cell: of the adjacency list, a delimiter or padding."""
    MALFORMED_CELL = 3
    """A cell of the canvas that lies outside the maze."""


@dataclass(frozen=True, eq=False)
class Rollouts:
    """One walk per maze, whoever walked: cells of the maze, not necessarily neighbours."""

    cells: Int16[ndarray, "batch length 2"]
    """(row, col) of each cell; -1 past the end."""
    num_cells: Int64[ndarray, " batch"]
    """Number of cells, m + 1."""
    stops: Int8[ndarray, " batch"]
    """A `Stop` for each walk."""


@dataclass(frozen=True, eq=False)
class Outcomes:
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


def budget_for(shape: tuple[int, int]) -> int:
    """Return how many tokens a rollout may have: as many cells as the grid and two more, and the end."""
    return shape[0] * shape[1] + 3


def parse_rollouts(
    tokens: Int64[ndarray, "batch new"],
    offsets: Int16[ndarray, "batch 2"],
    shape: tuple[int, int],
    layout: Layout,
    budgets: Int64[ndarray, " batch"],
) -> Rollouts:
    """Read generated tokens as cells of the maze.

    Args:
        tokens: Ids generated after ``<PATH_START>``, right-padded after ``<PATH_END>`` and to the largest budget.
        offsets: Where each maze's cell (0, 0) lies on the canvas.
        shape: Rows and columns of the mazes.
        layout: The tables of the format.
        budgets: Number of tokens that could be generated; padding before that was the model's own.
    """
    num, width = tokens.shape
    place = np.full((len(layout.words) + 1, 2), -1, np.int16)
    place[layout.cell_ids] = np.moveaxis(np.indices(layout.cell_ids.shape), 0, -1)
    on_canvas = place[np.clip(tokens, -1, len(layout.words))]
    cells = on_canvas - offsets[:, None]
    names_cell = on_canvas[..., 0] >= 0
    inside = names_cell & ((cells >= 0) & (cells < np.array(shape, np.int16))).all(axis=-1)
    inside &= np.arange(width) < budgets[:, None]
    num_cells = np.where(inside.all(axis=1), width, np.argmin(inside, axis=1)).astype(np.int64)
    stops = np.full(num, Stop.OVER_BUDGET, np.int8)
    rows, last = np.flatnonzero(num_cells < budgets), num_cells[num_cells < budgets]
    stops[rows] = np.where(names_cell[rows, last], Stop.MALFORMED_CELL, Stop.MALFORMED_TOKEN)
    stops[rows[tokens[rows, last] == PATH_END]] = Stop.END
    cells[np.arange(width) >= num_cells[:, None]] = -1
    return Rollouts(np.ascontiguousarray(cells), num_cells, stops)


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
