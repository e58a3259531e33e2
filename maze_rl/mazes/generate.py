"""Mazes from a specification: maze i is a function of (specification, seed, i) alone.

One maze: its size (and its path length, where a distribution is given) is drawn once; then walls are carved, in the
split asked for, and an (origin, target) pair is drawn. A maze in another split or without an allowed pair is carved
anew. Everything is drawn from stream i of the key, in that order.
"""

from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Int64
from numba import njit
from numpy import ndarray

from maze_rl.configs.endpoints import Endpoints
from maze_rl.configs.mazes import GenerationConfig, MazeSpec, spec_from_arguments
from maze_rl.configs.ranges import AnySizes
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.algorithms import Generator, OwnAlgorithm, find_generator, from_function, name_of
from maze_rl.mazes.counter_random import below, start_stream
from maze_rl.mazes.endpoints import draw_lengths, pair_rule, place_anywhere, place_by_rule
from maze_rl.mazes.lattice import MazeBatch, MazeCollection, trusted_batch
from maze_rl.mazes.splits import BUCKETS, NUM_BUCKETS, SMALLEST_SPLIT_SIZE, hash_connections, symmetry_words
from maze_rl.seeding import stream_key

MAZES_PER_INDEX = 20_000
_BLOCK = 1024
"""Mazes carved together: few enough to stay in the processor's cache."""
_PATIENCE = 8
"""Attempts of a whole block before its first maze that found nothing is tried to the end, alone."""


@dataclass(frozen=True)
class Attempts(Shown):
    """What it took to find mazes that meet a specification; adds up."""

    accepted: int = 0
    carved: int = 0
    """Mazes made, those thrown away included."""
    outside_split: int = 0
    """Mazes thrown away because they belong to another split."""
    pairs: int = 0
    """(origin, target) pairs drawn."""

    def __add__(self, other: "Attempts") -> "Attempts":
        return Attempts(
            self.accepted + other.accepted,
            self.carved + other.carved,
            self.outside_split + other.outside_split,
            self.pairs + other.pairs,
        )

    @property
    def acceptance(self) -> float:
        """Share of the mazes of the split that were kept; those thrown away had no allowed pair."""
        return self.accepted / max(1, self.carved - self.outside_split)

    @property
    def pair_acceptance(self) -> float:
        """Share of the pairs drawn that were allowed."""
        return self.accepted / max(1, self.pairs)


def generate(
    sizes: AnySizes = range(5, 10),
    algorithm: str | OwnAlgorithm = "dfs",
    num: int = 1000,
    seed: int = 0,
    first: int = 0,
    **settings: Any,
) -> MazeCollection:
    """Generate `num` mazes; the plain form of `generate_mazes`.

    Args:
        sizes: Cells per side, one or several, as ``7``, ``"5..9"``, ``range(5, 10)`` or ``[5, 7]``; each maze draws one
            uniformly. Rectangles are ``"4x7"``, or pairs (rows, cols) among several: ``[(4, 7)]``.
        algorithm: Name of the generator (one of `maze_rl.configs.algorithms.ALGORITHMS`, or as its module says), or a
            function of one's own, see `maze_rl.mazes.algorithms`.
        num: Number of mazes.
        seed: Seed; maze i depends on (these arguments, seed, i) alone.
        first: Index of the first maze.
        **settings: Further fields of `MazeSpec` and `Endpoints` and options of the algorithm, e.g. ``split="test"``,
            ``max_path_length=8``, ``percolation=0.2``.

    Raises:
        MazeRLError: A setting is out of range or unknown, or no maze can meet the constraints.
    """
    name = algorithm if isinstance(algorithm, str) else name_of(algorithm)
    spec = spec_from_arguments(sizes=sizes, algorithm=name, **settings)
    asked = GenerationConfig(spec=spec, num=num, seed=seed, first=first)  # checks the numbers
    carve = None if isinstance(algorithm, str) else from_function(algorithm)
    return generate_counted(spec, np.arange(asked.first, asked.first + asked.num), asked.seed, carve)[0]


def generate_mazes(spec: MazeSpec, indices: Int64[ndarray, " num"], seed: int) -> MazeCollection:
    """Generate the mazes of (`spec`, `seed`) at `indices`, in that order, grouped by size.

    Raises:
        ConfigurationError: An index meets no maze that fits the constraints in 20000 attempts.
    """
    return generate_counted(spec, indices, seed)[0]


def generate_counted(
    spec: MazeSpec, indices: Int64[ndarray, " num"], seed: int, carve: Generator | None = None
) -> tuple[MazeCollection, Attempts]:
    """As `generate_mazes`, and what it took; `carve` is used in place of the algorithm the specification names."""
    carve = carve or find_generator(spec.algorithm)
    key = np.uint64(stream_key(seed, "mazes"))
    states, choice = _start(key, indices, len(spec.sizes))
    batches, batch_of, row_of = [], np.empty(len(indices), np.int64), np.empty(len(indices), np.int64)
    attempts = Attempts()
    for position, shape in enumerate(spec.shapes):
        where = np.flatnonzero(choice == position)
        if len(where) == 0:
            continue
        batch_of[where], row_of[where] = len(batches), np.arange(len(where))
        batch, more = _generate_batch(spec, shape, indices[where], states[where], carve)
        batches.append(batch)
        attempts += more
    return MazeCollection(tuple(batches), batch_of, row_of), attempts


def _generate_batch(
    spec: MazeSpec, shape: tuple[int, int], indices: ndarray, states: ndarray, carve: Generator
) -> tuple[MazeBatch, Attempts]:
    connections = np.zeros((len(indices), 2, *shape), np.bool_)
    endpoints = np.empty((len(indices), 2, 2), np.int16)
    attempts = Attempts()
    for start in range(0, len(indices), _BLOCK):
        block = slice(start, start + _BLOCK)
        attempts += _fill(spec, shape, indices[block], states[block], carve, connections[block], endpoints[block])
    # contiguous, as all batches are: another memory layout would compile every kernel a second time
    return trusted_batch(connections, *np.ascontiguousarray(endpoints.swapaxes(0, 1))), attempts


def _fill(
    spec: MazeSpec,
    shape: tuple[int, int],
    indices: ndarray,
    states: ndarray,
    carve: Generator,
    connections: ndarray,
    endpoints: ndarray,
) -> Attempts:
    """Carve until every maze has its walls and endpoints; a maze's stream goes on from attempt to attempt."""
    rule = pair_rule(spec.endpoints, shape)
    buckets = (0, NUM_BUCKETS) if spec.split is None else BUCKETS[spec.split]
    lengths = draw_lengths(states, rule) if len(rule.lengths) else np.empty(0, np.int64)
    # without a split no maze is hashed
    counts, words = np.zeros(3, np.int64), symmetry_words(*(shape if spec.split else (1, 1)))

    def attempt(rows: ndarray, most: int) -> ndarray:
        """Try some mazes up to `most` times; return those that found nothing."""
        for _ in range(most):
            connections[rows] = False
            connected = carve(connections, states, rows, **spec.options)
            if connected and rule.is_free:
                found = _accept_anywhere(
                    connections, endpoints, states, rows, rule.shortest, rule.longest, *buckets, words, counts
                )
            else:
                found = _accept_by_rule(
                    connections, endpoints, states, rows, connected, rule, lengths, *buckets, words, counts
                )
            rows = rows[~found]
            if len(rows) == 0:
                break
        return rows

    left = attempt(np.arange(len(indices)), _PATIENCE)
    # Where nothing fits at all, one maze tried to the end shows it as well as a thousand.
    for rows in (left[:1], left[1:]):
        failed = attempt(rows, MAZES_PER_INDEX - _PATIENCE) if len(rows) else rows
        if len(failed):
            what = f"maze {indices[failed[0]]}: no {shape[0]} x {shape[1]} {spec.algorithm} maze"
            if spec.split is not None and spec.endpoints == Endpoints() and max(shape) < SMALLEST_SPLIT_SIZE:
                raise ConfigurationError(
                    f"{what} was found in the {spec.split} split, as there are few mazes of this size in all: take "
                    f"sizes from {SMALLEST_SPLIT_SIZE} on, which have mazes in every split."
                )
            raise ConfigurationError(
                f"{what} in split {spec.split or 'any'} with {spec.endpoints.wish} was found in {MAZES_PER_INDEX} "
                "attempts: loosen the constraints or change the sizes."
            )
    return Attempts(len(indices), int(counts[0]), int(counts[1]), int(counts[2]))


@njit(cache=True)
@no_type_check
def _start(key, indices, num_sizes):
    """Return the stream UInt64[num, 2] of each index, and Int64[num]: which of the sizes, its first number, it has."""
    states, choice = np.empty((len(indices), 2), np.uint64), np.empty(len(indices), np.int64)
    for position in range(len(indices)):
        start_stream(states[position], key, indices[position])
        choice[position] = below(states[position], num_sizes)
    return states, choice


@njit(cache=True, nogil=True)
@no_type_check
def _accept_anywhere(connections, endpoints, states, pending, shortest, longest, first, last, words, counts):
    """Return Bool[pending]: which mazes, all connected, lie in the buckets asked for and got endpoints of a free rule.

    Apart from `_accept_by_rule`, so that the usual case need not compile that; `counts` as in `Attempts`.
    """
    counts[0] += len(pending)
    scratch = np.empty((2, connections.shape[2] * connections.shape[3]), np.int32)
    found = np.zeros(len(pending), np.bool_)
    for position in range(len(pending)):
        row = pending[position]
        if _is_outside(connections[row], first, last, words):
            counts[1] += 1
            continue
        found[position], pairs = place_anywhere(
            connections[row], endpoints[row], states[row], scratch[0], scratch[1], shortest, longest
        )
        counts[2] += pairs
    return found


@njit(cache=True, nogil=True)
@no_type_check
def _accept_by_rule(connections, endpoints, states, pending, connected, rule, lengths, first, last, words, counts):
    """Return Bool[pending]: which mazes lie in the buckets asked for and got endpoints; `counts` as in `Attempts`."""
    counts[0] += len(pending)
    scratch = np.empty((5, connections.shape[2] * connections.shape[3]), np.int32)
    found = np.zeros(len(pending), np.bool_)
    for position in range(len(pending)):
        row = pending[position]
        if _is_outside(connections[row], first, last, words):
            counts[1] += 1
            continue
        shortest = lengths[row] if len(lengths) else rule.shortest
        longest = lengths[row] if len(lengths) else rule.longest
        found[position], pairs = place_by_rule(
            connections[row], endpoints[row], states[row], connected, shortest, longest, rule, scratch
        )
        counts[2] += pairs
    return found


@njit(inline="always")
@no_type_check
def _is_outside(maze, first, last, words):
    """Tell whether a maze lies outside of the buckets from `first` to before `last`; all buckets ask nothing."""
    if first == 0 and last == NUM_BUCKETS:
        return False
    bucket = np.int64(hash_connections(maze, words) % np.uint64(NUM_BUCKETS))
    return bucket < first or bucket >= last
