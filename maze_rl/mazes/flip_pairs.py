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

import numpy as np
from jaxtyping import Int16, Int64
from numpy import ndarray

from maze_rl.configs.ranges import AnyInts, check_ints
from maze_rl.displays.short_repr import Shown, counted
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.flip_kernels import COLUMNS, draw_pairs, first_other_than_tree
from maze_rl.mazes.lattice import MazeBatch, trusted_batch
from maze_rl.mazes.oracle import label_paths
from maze_rl.seeding import stream_key

_STEPS = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
"""(row, col) of a step in each direction of the oracle: down, right, up, left."""


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
    first = int(first_other_than_tree(batch.connections))
    if first < len(batch):
        raise ConfigurationError(
            f"maze {first}: flip pairs need a tree that reaches all cells: use an algorithm without cycles, as dfs."
        )
    wanted = _wanted(depths, rows * cols)
    streams = np.arange(len(batch)) if indices is None else indices
    found = np.full((len(batch), len(COLUMNS)), -1, np.int32)
    draw_pairs(
        batch.connections,
        batch.origins,
        batch.targets,
        wanted,
        uniform_depth,
        np.uint64(stream_key(seed, "flip_pairs")),
        streams,
        found,
    )
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
        assert first_other_than_tree(batch.connections) == len(batch), "a maze of a flip pair is no tree"
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
    column: dict[str, ndarray] = dict(zip(COLUMNS, found[base].T.astype(np.int64), strict=True))
    cols, clean = batch.shape[1], batch.take(base)
    removed, added, control_removed, control_added = (
        _edges(column[one], column[other], cols) for one, other in (("a", "b"), ("x", "y"), ("a2", "b2"), ("x2", "y2"))
    )
    forks, right, wrong = (_cells(column[name], cols) for name in ("fork", "right", "wrong"))
    return FlipPairs(
        clean,
        _swapped(clean, removed, added),
        _swapped(clean, control_removed, control_added),
        base,
        column["fork_index"],
        forks,
        right,
        wrong,
        removed,
        added,
        control_removed,
        control_added,
        column["depth"],
        column["control_depth"],
        num_searched=len(batch),
        num_found=len(base),
    )


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
