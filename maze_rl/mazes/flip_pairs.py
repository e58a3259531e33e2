"""Pairs of mazes that differ in one edge and demand different moves at one fork, each with a matched control.

On a perfect maze (a tree) take a fork u on the path s..t with right next cell w. Remove a path edge (a, b) at or beyond
u and open a lattice edge (x, y), x behind a wrong option w' of u and y behind (a, b). The result is again a tree, the
prefix s..u is as it was, and the right step at u is now w'. The *depth* of the flip is

    K = min(dist(u, a), dist(u, x)),

how far from u the nearer of the two changes lies. The *control* is a swap of two edges at the same fork and, where
there is one, at the same depth, which leaves the whole path s..t as it was: an edge off the path is removed and the
part it cuts off joined to the rest elsewhere. There always is a control: cut x off behind u, and join it by (x, y).

This is symmetric replacement for mazes (Zhang and Nanda, Towards best practices of activation patching, 2309.16042):
both members are ordinary mazes with the same number of edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import no_type_check

import numpy as np
from jaxtyping import Int16, Int64
from numba import njit
from numpy import ndarray

from maze_rl.configs.ranges import AnyInts, check_ints
from maze_rl.displays.short_repr import Shown, counted
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.breadth_first import distances_from, is_open, step
from maze_rl.mazes.counter_random import below, start_stream
from maze_rl.mazes.lattice import MazeBatch, trusted_batch
from maze_rl.mazes.oracle import label_paths
from maze_rl.seeding import stream_key

_STEPS = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
"""(row, col) of a step in each direction of the oracle: down, right, up, left."""
_COLUMNS = (
    "fork_index", "fork", "right", "wrong", "a", "b", "x", "y", "depth", "a2", "b2", "x2", "y2", "control_depth",
)  # fmt: skip
"""What the kernel writes for each maze; cells as flat indices; -1 where there is no pair."""


@dataclass(frozen=True, eq=False)
class FlipPairs(Shown):
    """Pairs (clean, flipped) with their controls; at most one for each maze searched."""

    clean: MazeBatch
    flipped: MazeBatch
    control: MazeBatch
    base: Int64[ndarray, " pair"]
    """Row of the maze in the batch that was searched."""
    fork_index: Int64[ndarray, " pair"]
    """Position of the fork on the path; 0 is the origin."""
    forks: Int16[ndarray, "pair 2"]
    """The fork u."""
    right: Int16[ndarray, "pair 2"]
    """w, the right next cell in `clean` and `control`."""
    wrong: Int16[ndarray, "pair 2"]
    """w', the right next cell in `flipped`."""
    removed: Int16[ndarray, "pair 3"]
    """(direction, row, col) of the edge that `clean` has and `flipped` has not."""
    added: Int16[ndarray, "pair 3"]
    """(direction, row, col) of the edge that `flipped` has and `clean` has not."""
    control_removed: Int16[ndarray, "pair 3"]
    control_added: Int16[ndarray, "pair 3"]
    depth: Int64[ndarray, " pair"]
    """K, in steps from the fork."""
    control_depth: Int64[ndarray, " pair"]
    """The control's own K; the nearest to `depth` that the maze offers."""
    num_searched: int
    """Mazes searched."""
    num_found: int
    """Mazes that gave a pair, also where only some of the pairs were taken."""

    def __len__(self) -> int:
        return len(self.base)

    def _headline(self) -> str:
        return f"{counted(len(self), 'pair')}, found in {self.num_found:,} of {self.num_searched:,} mazes searched"

    @property
    def found_share(self) -> float:
        """Share of the mazes searched that gave a pair."""
        return self.num_found / max(1, self.num_searched)

    def take(self, rows: Int64[ndarray, " chosen"]) -> "FlipPairs":
        """Return the pairs at `rows`; the counts stay those of the search."""
        changed = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, MazeBatch):
                changed[field.name] = value.take(rows)
            elif isinstance(value, ndarray):
                changed[field.name] = value[rows]
        return replace(self, **changed)


def find_flip_pairs(
    batch: MazeBatch,
    *,
    depths: AnyInts = (1, 64),
    seed: int = 0,
    indices: Int64[ndarray, " batch"] | None = None,
    uniform_depth: bool = True,
) -> FlipPairs:
    """Draw one flip pair, and its control, from each maze that has one.

    Args:
        batch: Perfect mazes.
        depths: Values of K asked for: a range, as ``"2..8"`` or ``range(2, 9)``, or (smallest, largest), both included.
        seed: Seed of the draws.
        indices: Stream of each maze (default: its row): its pair is a function of (maze, seed, stream) alone.
        uniform_depth: Draw K uniformly among the values the maze offers, then the pair among those of that K, so that
            deep pairs are not drowned by shallow ones; otherwise draw among all pairs alike.

    Raises:
        ConfigurationError: A maze has a cycle or cells out of reach, or no depth is asked for.
    """
    rows, cols = batch.shape
    first = int(_first_other_than_tree(batch.connections))
    if first < len(batch):
        raise ConfigurationError(
            f"maze {first}: flip pairs need a tree that reaches all cells: use an algorithm without cycles, as dfs."
        )
    wanted = _wanted(depths, rows * cols)
    streams = np.arange(len(batch)) if indices is None else indices
    found = np.full((len(batch), len(_COLUMNS)), -1, np.int32)
    _draw_pairs(
        batch.connections, batch.origins, batch.targets, wanted, uniform_depth,
        np.uint64(stream_key(seed, "flip_pairs")), streams, found,
    )  # fmt: skip
    pairs = _assemble(batch, found)
    verify(pairs)
    return pairs


def concatenate_pairs(parts: Sequence[FlipPairs]) -> FlipPairs:
    """Join the pairs of batches of one shape that were searched one after another; `base` counts through."""
    shift = np.cumsum([0] + [part.num_searched for part in parts])
    joined = {}
    for field in fields(FlipPairs):
        values = [getattr(part, field.name) for part in parts]
        if field.name == "base":
            values = [value + first for value, first in zip(values, shift, strict=False)]
        if isinstance(values[0], MazeBatch):
            names = ("connections", "origins", "targets")
            joined[field.name] = trusted_batch(*(np.concatenate([getattr(v, name) for v in values]) for name in names))
        else:
            joined[field.name] = np.concatenate(values) if isinstance(values[0], ndarray) else sum(values)
    return FlipPairs(**joined)


def verify(pairs: FlipPairs) -> None:
    """Assert by the oracle that all mazes are trees and that w, w, w' alone is right in clean, control and flipped."""
    members = ((pairs.clean, pairs.right), (pairs.control, pairs.right), (pairs.flipped, pairs.wrong))
    for batch, following in members:
        assert _first_other_than_tree(batch.connections) == len(batch), "a maze of a flip pair is no tree"
        optimal = label_paths(batch, pairs.forks[:, None], np.ones(len(batch), np.int64)).optimal[:, 0]
        expected = (pairs.forks[:, None] + _STEPS == following[:, None]).all(axis=2)
        assert np.array_equal(optimal, expected), "the oracle demands another step at a fork"


def _wanted(depths: AnyInts, cells: int) -> ndarray:
    """Return Bool[cells]: which depths are asked for."""
    found = check_ints("depths", depths)
    whole = isinstance(depths, str | range) or len(found) != 2
    chosen = found if whole else range(found[0], found[1] + 1)
    if len(chosen) == 0 or min(chosen) < 0:
        raise ConfigurationError(f"depths {depths} hold no depth: give (smallest, largest), both from 0 on.")
    return np.isin(np.arange(cells), chosen)


def _assemble(batch: MazeBatch, found: ndarray) -> FlipPairs:
    base = np.flatnonzero(found[:, 0] >= 0)
    column: dict[str, ndarray] = dict(zip(_COLUMNS, found[base].T.astype(np.int64), strict=True))
    cols, clean = batch.shape[1], batch.take(base)
    removed, added, control_removed, control_added = (
        _edges(column[one], column[other], cols) for one, other in (("a", "b"), ("x", "y"), ("a2", "b2"), ("x2", "y2"))
    )
    forks, right, wrong = (_cells(column[name], cols) for name in ("fork", "right", "wrong"))
    return FlipPairs(
        clean, _swapped(clean, removed, added), _swapped(clean, control_removed, control_added), base,
        column["fork_index"], forks, right, wrong, removed, added, control_removed, control_added,
        column["depth"], column["control_depth"], num_searched=len(batch), num_found=len(base),
    )  # fmt: skip


def _swapped(batch: MazeBatch, removed: ndarray, added: ndarray) -> MazeBatch:
    connections, rows = batch.connections.copy(), np.arange(len(batch))
    connections[(rows, *removed.T)] = False
    connections[(rows, *added.T)] = True
    return trusted_batch(connections, batch.origins, batch.targets)


def _cells(flat: ndarray, cols: int) -> ndarray:
    """Return (row, col) of flat cells, Int16[pair, 2]."""
    return np.stack(np.divmod(flat, cols), axis=1).astype(np.int16)


def _edges(one: ndarray, other: ndarray, cols: int) -> ndarray:
    """Return (direction, row, col) of the edges between neighbouring flat cells, Int16[pair, 3]."""
    lower, upper = _cells(np.minimum(one, other), cols), _cells(np.maximum(one, other), cols)
    return np.concatenate([(lower[:, :1] == upper[:, :1]).astype(np.int16), lower], axis=1)


@njit(cache=True, nogil=True)
@no_type_check
def _first_other_than_tree(connections):
    """Return the first maze that is no tree on all cells; the number of mazes if all are."""
    batch, _, rows, cols = connections.shape
    distances, queue = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int32)
    for index in range(batch):
        if connections[index].sum() != rows * cols - 1:
            return index
        if distances_from(connections[index], 0, distances, queue) < rows * cols:
            return index
    return batch


@njit(cache=True, nogil=True)
@no_type_check
def _draw_pairs(connections, origins, targets, wanted, uniform_depth, key, streams, found):
    """Fill the rows of `found` (Int32[batch, columns]) of the mazes that have a pair."""
    batch, _, rows, cols = connections.shape
    tree = np.empty((4, rows * cols), np.int32)
    from_fork, counts = np.empty(rows * cols, np.int32), np.empty(rows * cols, np.int64)
    state = np.empty(2, np.uint64)
    for index in range(batch):
        maze, row = connections[index], found[index]
        target = np.int64(targets[index, 0]) * cols + targets[index, 1]
        _root(maze, np.int64(origins[index, 0]) * cols + origins[index, 1], target, tree)
        start_stream(state, key, streams[index])
        _count_flips(maze, tree, counts)
        depth, number = _draw_depth(counts, wanted, uniform_depth, state)
        if depth < 0:
            continue
        _write_flip(maze, target, tree, depth, number, row)
        distances_from(maze, np.int64(row[1]), from_fork, tree[3])
        counts[:] = 0
        _visit_controls(maze, tree, from_fork, counts, -1, -1, 0)
        nearest, farther, total = _nearest_depths(counts, depth)
        number = below(state, total)
        cut, x, y = _visit_controls(maze, tree, from_fork, counts, nearest, farther, number)
        row[9], row[10], row[11], row[12] = tree[1][cut], cut, x, y
        row[13] = min(from_fork[tree[1][cut]], from_fork[x])


@njit(cache=True, nogil=True)
@no_type_check
def _root(maze, origin, target, tree):
    """Root a maze at its origin.

    `tree` (Int32[4, cells]) gets each cell's steps from the origin, its parent (-1 for the origin), the position on the
    path where the way to it leaves the path (its own position for a cell of the path), and scratch.
    """
    depth, parent, leaves, order = tree[0], tree[1], tree[2], tree[3]
    cols = maze.shape[2]
    reached = distances_from(maze, origin, depth, order)
    parent[origin] = -1
    for position in range(1, reached):
        cell = np.int64(order[position])
        for direction in range(4):
            if is_open(maze, cell, direction) and depth[step(cell, direction, cols)] == depth[cell] - 1:
                parent[cell] = step(cell, direction, cols)
    leaves[:] = -1
    cell = target
    while cell >= 0:
        leaves[cell] = depth[cell]
        cell = np.int64(parent[cell])
    for position in range(1, reached):
        cell = order[position]
        if leaves[cell] < 0:
            leaves[cell] = leaves[parent[cell]]


@njit(inline="always")
@no_type_check
def _behind_wall(maze, cell, direction):
    """Return the neighbour of `cell` on the grid that a closed edge parts from it; -1 without one."""
    _, rows, cols = maze.shape
    row, col = cell // cols, cell % cols
    inside = (row + 1 < rows, col + 1 < cols, row > 0, col > 0)[direction]
    return step(cell, direction, cols) if inside and not is_open(maze, cell, direction) else np.int64(-1)


@njit(cache=True, nogil=True)
@no_type_check
def _count_flips(maze, tree, counts):
    """Count the flips of a maze by K into `counts` (Int64[cells]).

    A closed edge (x, y) makes one for each path edge between where x and y leave the path: 0, 1, 2 ... steps from the
    fork, where x leaves, so that K grows from 0 to dist(u, x) and stays there.
    """
    depth, leaves = tree[0], tree[2]
    counts[:] = 0
    for x in range(len(depth)):
        sideways = depth[x] - leaves[x]
        for direction in range(4 if sideways > 0 else 0):
            y = _behind_wall(maze, x, direction)
            if y < 0 or leaves[y] <= leaves[x]:
                continue
            between = leaves[y] - leaves[x]
            counts[: min(sideways, between)] += 1
            if between > sideways:
                counts[sideways] += between - sideways


@njit(cache=True, nogil=True)
@no_type_check
def _draw_depth(counts, wanted, uniform_depth, state):
    """Return a K and the number of one flip among those of that K; K is -1 if no flip is wanted."""
    offered, total = 0, 0
    for depth in range(len(counts)):
        if wanted[depth] and counts[depth] > 0:
            offered += 1
            total += counts[depth]
    if total == 0:
        return -1, 0
    left = below(state, offered if uniform_depth else total)
    for depth in range(len(counts)):
        if wanted[depth] and counts[depth] > 0:
            share = 1 if uniform_depth else counts[depth]
            if left < share:
                return depth, below(state, counts[depth]) if uniform_depth else left
            left -= share
    return -1, 0


@njit(cache=True, nogil=True)
@no_type_check
def _write_flip(maze, target, tree, depth, number, row):
    """Write flip `number` among those of one K into the first nine columns of `row`."""
    steps, parent, leaves = tree[0], tree[1], tree[2]
    for x in range(len(steps)):
        sideways = steps[x] - leaves[x]
        for direction in range(4 if sideways > 0 else 0):
            y = _behind_wall(maze, x, direction)
            if y < 0 or leaves[y] <= leaves[x]:
                continue
            between = leaves[y] - leaves[x]
            fits = max(between - sideways, 0) if depth == sideways else np.int64(depth < min(sideways, between))
            if number >= fits:
                number -= fits
                continue
            removed_at = leaves[x] + depth + number
            wrong = x
            while steps[wrong] > leaves[x] + 1:
                wrong = parent[wrong]
            cell = target
            while steps[cell] > leaves[x]:
                if steps[cell] == removed_at + 1:
                    row[4], row[5] = parent[cell], cell
                if steps[cell] == leaves[x] + 1:
                    row[2] = cell
                cell = parent[cell]
            row[0], row[1], row[3], row[6], row[7], row[8] = leaves[x], cell, wrong, x, y, depth
            return


@njit(cache=True, nogil=True)
@no_type_check
def _visit_controls(maze, tree, from_fork, counts, nearest, farther, number):
    """Count the controls by depth up to control `number` of the depths `nearest` and `farther`; return it.

    A control is (cut, x, y): the edge from `cut` to its parent goes and (x, y) comes, y in the part below `cut`, which
    lies off the path. Without control `number` all three are -1.
    """
    depth, parent, leaves = tree[0], tree[1], tree[2]
    for y in range(len(depth)):
        for direction in range(4 if depth[y] > leaves[y] else 0):
            x = _behind_wall(maze, y, direction)
            if x < 0:
                continue
            cut, above = np.int64(y), x
            while depth[cut] > leaves[cut]:
                while depth[above] > depth[cut]:
                    above = np.int64(parent[above])
                if above == cut:  # x lies in the part itself
                    break
                reach = min(from_fork[parent[cut]], from_fork[x])
                counts[reach] += 1
                if reach in (nearest, farther):
                    if number == 0:
                        return cut, x, np.int64(y)
                    number -= 1
                cut = np.int64(parent[cut])
    return np.int64(-1), np.int64(-1), np.int64(-1)


@njit(cache=True, nogil=True)
@no_type_check
def _nearest_depths(counts, depth):
    """Return the depths with controls nearest to `depth`, one on each side (-1 without), and how many controls."""
    for off in range(len(counts)):
        lower = depth - off if depth >= off and counts[depth - off] > 0 else -1
        upper = depth + off if depth + off < len(counts) and counts[depth + off] > 0 else -1
        total = (counts[lower] if lower >= 0 else 0) + (counts[upper] if upper >= 0 and off > 0 else 0)
        if total > 0:
            return lower, upper, total
    return -1, -1, 0
