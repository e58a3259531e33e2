"""Where and how a rollout first leaves the shortest paths, and the hazard of leaving them.

The first error is the first i such that p^(i+1) is no optimal move from p^i; ending at the target is the one
right move there. A rollout without a first error is a shortest path, and the other way round. A wrong first
cell counts as an error at i = 0.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Int8, Int32, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import FirstErrorRow
from maze_rl.intervals import effective_number
from maze_rl.mazes.oracle import label_paths
from maze_rl.mazes.solve import BatchSolution
from maze_rl.tokenization.outcomes import Rollouts, Stop, can_step

FIRST_ERRORS = (
    "none",
    "wrong_start",
    "wall",
    "off_lattice",
    "non_optimal",
    "backtrack",
    "premature_end",
    "missed_end",
    "malformed_token",
    "malformed_cell",
    "over_budget",
)
"""Every type. `wall`: a step through a wall. `off_lattice`: a cell that is no neighbour on the lattice.
`non_optimal`: an open but wrong branch. `backtrack`: back to the cell before. `premature_end`: an end away from
the target. `missed_end`: a cell after the target. `malformed_token`, `malformed_cell`, `over_budget`: nothing
readable followed, see `Stop`."""
(
    NONE,
    WRONG_START,
    WALL,
    OFF_LATTICE,
    NON_OPTIMAL,
    BACKTRACK,
    PREMATURE_END,
    MISSED_END,
    MALFORMED_TOKEN,
    MALFORMED_CELL,
    OVER_BUDGET,
) = range(len(FIRST_ERRORS))
_END = int(Stop.END)
_KIND_OF_STOP = np.array([PREMATURE_END, OVER_BUDGET, MALFORMED_TOKEN, MALFORMED_CELL], np.int8)


@dataclass(frozen=True, eq=False)
class FirstErrors(Shown):
    """The first error of one rollout per maze."""

    kinds: Int8[ndarray, " batch"]
    """Index into `FIRST_ERRORS`."""
    positions: Int64[ndarray, " batch"]
    """i, the number of right steps before; D for a rollout without an error (it survived D + 1 decisions)."""
    look_ahead: Int32[ndarray, " batch"]
    """k* of the cell where the error happened; -1 without an error and where the walk never was at the origin."""
    optimal_steps: Int64[ndarray, " batch"]
    """D, the steps of a shortest path."""


def find_first_errors(solution: BatchSolution, rollouts: Rollouts) -> FirstErrors:
    """Find the first error of one rollout per maze of a solved batch."""
    batch = solution.batch
    kinds, positions = np.empty(len(batch), np.int8), np.empty(len(batch), np.int64)
    around = np.zeros((len(batch), 2, 2), np.int16)
    _find(
        batch.connections,
        batch.origins,
        solution.distances,
        rollouts.cells,
        rollouts.num_cells,
        rollouts.stops,
        _KIND_OF_STOP,
        kinds,
        positions,
        around,
    )
    # The cell of the error comes second, so that the step back is not taken for a branch.
    needed = label_paths(batch, around, np.full(len(batch), 2, np.int64)).look_ahead[:, 1].astype(np.int32)
    needed[(kinds == NONE) | (kinds == WRONG_START) | (rollouts.num_cells == 0)] = -1
    return FirstErrors(kinds, positions, needed, solution.lengths)


def first_error_row(size: int, errors: FirstErrors, layouts: UInt64[ndarray, " maze"]) -> FirstErrorRow:
    """Summarise the first errors of the rollouts on mazes of one size."""
    num = len(errors.kinds)
    counts = np.bincount(errors.kinds, minlength=len(FIRST_ERRORS))
    assert counts.sum() == num
    wrong, placed = errors.kinds != NONE, errors.look_ahead >= 0
    steps = int(errors.positions.max(initial=0)) + 1
    failures = np.bincount(errors.positions[wrong], minlength=steps)
    # A rollout whose first error is at i made decisions 0..i; one without made all D + 1.
    at_risk = num - np.concatenate([[0], np.cumsum(np.bincount(errors.positions, minlength=steps))[:-1]])
    relative = errors.positions[wrong] / np.maximum(errors.optimal_steps[wrong], 1)
    return FirstErrorRow(
        size=size,
        num=num,
        counts=dict(zip(FIRST_ERRORS, map(int, counts), strict=True)),
        mean_relative_position=float(relative.mean()) if wrong.any() else None,
        mean_look_ahead=float(errors.look_ahead[placed].mean()) if placed.any() else None,
        hazard=(failures / at_risk).tolist(),
        at_risk=at_risk.tolist(),
        constant_hazard=float(failures.sum() / at_risk.sum()) if num else None,
        effective_share=effective_number(wrong, layouts, errors.positions + 1) / float(at_risk.sum()) if num else None,
    )


@njit(cache=True, nogil=True)
@no_type_check
def _find(connections, origins, distances, cells, num_cells, stops, kind_of_stop, kinds, positions, around):
    batch, _, rows, cols = connections.shape
    for index in range(batch):
        field = distances[index].reshape(rows * cols)
        cell = np.int64(origins[index, 0]) * cols + origins[index, 1]
        # Without a cell before it, the origin is put beside itself: no move leads there, so none is left out.
        previous = cell
        start = kind_of_stop[stops[index]]
        if num_cells[index] > 0:
            first = np.int64(cells[index, 0, 0]) * cols + cells[index, 0, 1]
            start = NONE if first == cell else WRONG_START
        kind, position = start, 0
        while kind == NONE:
            if position + 1 == num_cells[index]:
                kind = kind_of_stop[stops[index]]
                if field[cell] == 0 and stops[index] == _END:
                    kind = NONE
                break
            following = np.int64(cells[index, position + 1, 0]) * cols + cells[index, position + 1, 1]
            kind = _judge_move(connections[index], field, previous, cell, following)
            if kind == NONE:
                previous, cell = cell, following
                position += 1
        kinds[index], positions[index] = kind, position
        around[index, 0, 0], around[index, 0, 1] = previous // cols, previous % cols
        around[index, 1, 0], around[index, 1, 1] = cell // cols, cell % cols


@njit(cache=True)
@no_type_check
def _judge_move(connections, field, previous, cell, following):
    """Return the kind of error of one step, or `NONE` for an optimal one."""
    if field[cell] == 0:
        return MISSED_END
    cols = connections.shape[2]
    rows_apart = abs(cell // cols - following // cols)
    cols_apart = abs(cell % cols - following % cols)
    if rows_apart + cols_apart != 1:
        return OFF_LATTICE
    if not can_step(connections, cell, following):
        return WALL
    if field[following] == field[cell] - 1:
        return NONE
    return BACKTRACK if following == previous else NON_OPTIMAL
