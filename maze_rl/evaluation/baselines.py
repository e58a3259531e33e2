"""Walkers without a model: the floor, the ceiling, and what shallow look-ahead alone achieves.

All see the walls around them; they differ in what else they know. `manhattan` takes the open neighbour
nearest to the target in Manhattan distance, uniformly among ties. `look_ahead_L` sees a target within L
steps and wrong branches that close within L steps, and is `manhattan` otherwise. `dead_end_filling` walls
off dead ends until none is left, then is `manhattan`: exact on mazes without cycles. None but `random_legal`
steps back: at a dead end they stop, and fail.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from numba import njit

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.breadth_first import is_open, step
from maze_rl.mazes.carving import set_edge
from maze_rl.mazes.counter_random import below, start_stream
from maze_rl.mazes.oracle import NEVER, closing_depth
from maze_rl.mazes.solve import BatchSolution
from maze_rl.seeding import stream_key
from maze_rl.tokenization.outcomes import Rollouts, Stop, most_cells

_END, _OVER_BUDGET = int(Stop.END), int(Stop.OVER_BUDGET)


@dataclass(frozen=True, kw_only=True)
class Walker(Shown):
    """What a walker knows and does; the plain one steps to any open neighbour but the one it came from."""

    steps_back: bool = False
    """Whether it may step back."""
    to_nearest: bool = False
    """Whether it prefers cells near the target in Manhattan distance."""
    look_ahead: int = 0
    """Steps within which it sees the target and closing branches."""
    fills_dead_ends: bool = False
    """Whether it walls off dead ends first."""


WALKERS: dict[str, Walker] = {
    "random_legal": Walker(steps_back=True),
    "random_non_backtracking": Walker(),
    "manhattan": Walker(to_nearest=True),
    **{f"look_ahead_{depth}": Walker(to_nearest=True, look_ahead=depth) for depth in (2, 4, 8, 16)},
    "dead_end_filling": Walker(to_nearest=True, fills_dead_ends=True),
}
"""The walkers by name; `oracle` and `untrained` are baselines too, but walk otherwise."""


def walk(solution: BatchSolution, walker: Walker, seed: int, name: str) -> Rollouts:
    """Let `walker` walk every maze of a solved batch; walk j draws from stream j of (`seed`, `name`)."""
    batch, budget = solution.batch, most_cells(solution.batch.shape)
    connections = batch.connections
    if walker.fills_dead_ends:
        connections = fill_dead_ends(connections, batch.origins, batch.targets)
    cells = np.full((len(batch), budget, 2), -1, np.int16)
    num_cells, stops = np.empty(len(batch), np.int64), np.empty(len(batch), np.int8)
    key = np.uint64(stream_key(seed, "baselines", name))
    _walk(
        connections,
        batch.origins,
        batch.targets,
        solution.distances,
        key,
        walker.steps_back,
        walker.to_nearest,
        walker.look_ahead,
        cells,
        num_cells,
        stops,
    )
    return Rollouts(cells, num_cells, stops)


def walk_oracle(solution: BatchSolution) -> Rollouts:
    """Return the solver's own paths as rollouts: what every judgement must call shortest."""
    return Rollouts(solution.paths, solution.lengths + 1, np.full(len(solution), _END, np.int8))


@njit(cache=True, nogil=True)
@no_type_check
def fill_dead_ends(connections, origins, targets):
    """Return connections with every dead end that holds neither endpoint walled off, again and again."""
    filled = connections.copy()
    batch, _, _rows, cols = connections.shape
    for index in range(batch):
        maze = filled[index]
        origin = np.int64(origins[index, 0]) * cols + origins[index, 1]
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        for start in range(maze.shape[1] * cols):
            cell = np.int64(start)
            # Walling off one cell may make its neighbour a dead end: follow the corridor back.
            while cell not in (origin, target):
                exits, exit_direction = 0, 0
                for direction in range(4):
                    if is_open(maze, cell, direction):
                        exits += 1
                        exit_direction = direction
                if exits != 1:
                    break
                following = step(cell, exit_direction, cols)
                set_edge(maze, cell, exit_direction, False)
                cell = following
    return filled


@njit(cache=True, nogil=True)
@no_type_check
def _walk(connections, origins, targets, distances, key, steps_back, to_nearest, look_ahead, cells, num_cells, stops):
    batch, _, rows, cols = connections.shape
    state = np.empty(2, np.uint64)
    depths, queue = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    options = np.empty(4, np.int64)
    for index in range(batch):
        maze, field = connections[index], distances[index].reshape(rows * cols)
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        cell, previous = np.int64(origins[index, 0]) * cols + origins[index, 1], np.int64(-1)
        start_stream(state, key, index)
        stops[index] = _OVER_BUDGET
        num_cells[index] = 0
        while num_cells[index] < cells.shape[1]:
            cells[index, num_cells[index], 0], cells[index, num_cells[index], 1] = cell // cols, cell % cols
            num_cells[index] += 1
            if cell == target:
                stops[index] = _END
                break
            count = _open_options(maze, cell, -1 if steps_back else previous, options)
            if look_ahead > 0:
                count = _keep_promising(maze, field, cell, target, look_ahead, options, count, depths, queue)
            if to_nearest:
                count = _keep_nearest(options, count, target, cols)
            if count == 0:
                stops[index] = _END
                break
            previous = cell
            cell = options[below(state, count)] if count > 1 else options[0]


@njit(inline="always")
@no_type_check
def _open_options(maze, cell, excluded, options):
    count = 0
    for direction in range(4):
        if is_open(maze, cell, direction):
            neighbour = step(cell, direction, maze.shape[2])
            if neighbour != excluded:
                options[count] = neighbour
                count += 1
    return count


@njit(cache=True)
@no_type_check
def _keep_promising(maze, field, cell, target, look_ahead, options, count, depths, queue):
    """Keep the optimal options where the target is in sight, else those not seen to close; return how many."""
    kept = 0
    for position in range(count):
        option = options[position]
        if field[cell] <= look_ahead:
            good = field[option] < field[cell]
        else:
            good = closing_depth(maze, cell, option, target, look_ahead, depths, queue) == NEVER
        if good:
            options[kept] = option
            kept += 1
    return kept


@njit(cache=True)
@no_type_check
def _keep_nearest(options, count, target, cols):
    """Keep the options nearest to the target in Manhattan distance; return how many."""
    nearest = np.int64(1) << 40
    kept = 0
    for position in range(count):
        option = options[position]
        away = abs(option // cols - target // cols) + abs(option % cols - target % cols)
        if away < nearest:
            nearest, kept = away, 0
        if away == nearest:
            options[kept] = option
            kept += 1
    return kept


def walk_all(solution: BatchSolution, seed: int) -> dict[str, Rollouts]:
    """Let every walker, and the oracle, walk a solved batch."""
    rollouts = {name: walk(solution, walker, seed, name) for name, walker in WALKERS.items()}
    return rollouts | {"oracle": walk_oracle(solution)}
