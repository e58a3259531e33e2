"""Origin and target of a maze: pairs of cells drawn until one meets the constraints.

A pair is drawn uniformly from the cells allowed for each end (in the largest component, at dead ends, on a list) and
kept if its distance and its number of shortest paths are allowed: so it is uniform over all pairs that are. After 64
draws without one the maze is given up.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool
from numba import njit
from numpy import ndarray

from maze_rl.configs.endpoints import PATHS, Endpoints
from maze_rl.displays.short_repr import short_repr
from maze_rl.mazes.breadth_first import degree, distances_from, leads_on, step
from maze_rl.mazes.counter_random import below, uniform
from maze_rl.mazes.solve import count_field

PAIRS_PER_MAZE = 64
_ANY, _ONE, _SEVERAL = range(len(PATHS))


class PairRule(NamedTuple):
    """`Endpoints` for grids of one shape, as compiled code takes them."""

    __repr__ = short_repr

    shortest: int
    longest: int
    allowed_origins: Bool[ndarray, " cells"]
    allowed_targets: Bool[ndarray, " cells"]
    origin_at_dead_end: bool
    target_at_dead_end: bool
    paths: int
    """Index in `PATHS`."""
    lengths: ndarray
    """Int64[kinds]: the path lengths to draw from; none for no such draw."""
    shares: ndarray
    """Float64[kinds]: cumulated probabilities of the lengths, the last one 1."""
    is_free: bool
    """Whether nothing but the distance is asked of a pair."""


def pair_rule(endpoints: Endpoints, shape: tuple[int, int]) -> PairRule:
    """Return the rule of `endpoints` for grids of `shape`."""
    lengths = np.array([steps for steps, _ in endpoints.path_lengths], np.int64)
    weights = np.array([weight for _, weight in endpoints.path_lengths], np.float64)
    longest = np.iinfo(np.int32).max if endpoints.max_path_length is None else endpoints.max_path_length
    at_dead_ends = endpoints.origin == "dead_end", endpoints.target == "dead_end"
    lists = endpoints.origins, endpoints.targets
    return PairRule(
        shortest=endpoints.min_path_length,
        longest=longest,
        allowed_origins=_mask(endpoints.origins, shape),
        allowed_targets=_mask(endpoints.targets, shape),
        origin_at_dead_end=at_dead_ends[0],
        target_at_dead_end=at_dead_ends[1],
        paths=PATHS.index(endpoints.paths),
        lengths=lengths,
        shares=np.cumsum(weights) / np.cumsum(weights)[-1] if weights.size else weights,
        is_free=lists == (None, None) and not any(at_dead_ends) and endpoints.paths == "any" and not lengths.size,
    )


def _mask(cells: tuple[tuple[int, int], ...] | None, shape: tuple[int, int]) -> ndarray:
    allowed = np.full(shape, cells is None)
    for cell in cells or ():
        allowed[cell] = True
    return allowed.ravel()


@njit(cache=True, nogil=True)
@no_type_check
def draw_lengths(states, rule):
    """Return Int64[num]: the path length each maze must have, from its own stream."""
    lengths = np.empty(len(states), np.int64)
    for row in range(len(states)):
        lengths[row] = rule.lengths[np.searchsorted(rule.shares, uniform(states[row]), side="right")]
    return lengths


@njit(cache=True, nogil=True)
@no_type_check
def place_anywhere(maze, endpoints, state, distances, queue, shortest, longest):
    """Draw pairs of different cells of a connected maze until their distance is allowed; return (found, pairs drawn).

    `distances` Int32[cells] and `queue` Int32[cells] are scratch.
    """
    cols = maze.shape[2]
    cells = maze.shape[1] * cols
    for drawn in range(PAIRS_PER_MAZE):
        origin = below(state, cells)
        target = below(state, cells - 1)
        target += target >= origin
        if shortest > 1 or longest < cells:
            distances_from(maze, target, distances, queue)
            if not shortest <= distances[origin] <= longest:
                continue
        _put(endpoints, origin, target, cols)
        return True, drawn + 1
    return False, PAIRS_PER_MAZE


@njit(cache=True, nogil=True)
@no_type_check
def place_by_rule(maze, endpoints, state, connected, shortest, longest, rule, scratch):
    """Draw pairs from the allowed cells of the largest component until one fits; return (found, pairs drawn).

    `scratch` Int32[5, cells] and the counts of shortest paths are working memory.
    """
    cols = maze.shape[2]
    cells = maze.shape[1] * cols
    distances, queue, component, origins, targets = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    num_origins, num_targets = _list_allowed(maze, connected, rule, component, queue, origins, targets)
    if num_origins == 0 or num_targets == 0:
        return False, 0
    counts = np.empty(cells if rule.paths != _ANY else 0, np.int64)
    for drawn in range(PAIRS_PER_MAZE):
        # as int64, for which the searches below are compiled anyway
        origin = np.int64(origins[below(state, num_origins)])
        target = np.int64(targets[below(state, num_targets)])
        if origin == target:
            continue
        if shortest > 1 or longest < cells or rule.paths != _ANY:
            distances_from(maze, target, distances, queue)
            if not shortest <= distances[origin] <= longest:
                continue
        if rule.paths != _ANY:
            # beyond 2^62 there are several anyway
            several = not count_field(maze, target, distances, queue, counts) or counts[origin] > 1
            if several != (rule.paths == _SEVERAL):
                continue
        _put(endpoints, origin, target, cols)
        return True, drawn + 1
    return False, PAIRS_PER_MAZE


@njit(cache=True, nogil=True)
@no_type_check
def _list_allowed(maze, connected, rule, component, queue, origins, targets):
    """Fill `origins` and `targets` with the allowed cells of the largest component; return how many there are of each.

    `component` Int32[cells] and `queue` Int32[cells] are scratch.
    """
    largest = 0 if connected else label_components(maze, component, queue)
    num_origins, num_targets = 0, 0
    for cell in range(maze.shape[1] * maze.shape[2]):
        if not connected and component[cell] != largest:
            continue
        dead_end = (rule.origin_at_dead_end or rule.target_at_dead_end) and degree(maze, cell) == 1
        if rule.allowed_origins[cell] and (dead_end or not rule.origin_at_dead_end):
            origins[num_origins] = cell
            num_origins += 1
        if rule.allowed_targets[cell] and (dead_end or not rule.target_at_dead_end):
            targets[num_targets] = cell
            num_targets += 1
    return num_origins, num_targets


@njit(cache=True, nogil=True)
@no_type_check
def label_components(maze, component, queue):
    """Fill `component` (Int32[cells]) with a number per component; return that of the largest (the first such)."""
    _, rows, cols = maze.shape
    component[:] = -1
    flat = maze.reshape(2 * rows * cols)
    largest, most, count = -1, 0, 0
    for seed in range(rows * cols):
        if component[seed] >= 0:
            continue
        component[seed], queue[0] = count, seed
        head, tail = 0, 1
        while head < tail:
            cell = queue[head]
            head += 1
            for direction in range(4):
                if leads_on(flat, cell, direction, cols) and component[step(cell, direction, cols)] < 0:
                    component[step(cell, direction, cols)] = count
                    queue[tail] = step(cell, direction, cols)
                    tail += 1
        if tail > most:
            largest, most = count, tail
        count += 1
    return largest


@njit(inline="always")
@no_type_check
def _put(endpoints, origin, target, cols):
    endpoints[0, 0], endpoints[0, 1] = origin // cols, origin % cols
    endpoints[1, 0], endpoints[1, 1] = target // cols, target % cols
