"""Mazes from a specification: maze i is a function of (specification, seed, i) alone.

One maze: its size is drawn once; then walls are carved, in the split asked for, and an (origin, target)
pair is drawn uniformly among the pairs of cells whose distance is allowed. A maze in another split or
without an allowed pair is carved anew. Everything is drawn from stream i of the key, in that order.
"""

from collections.abc import Iterable, Iterator
from typing import no_type_check

import numpy as np
from jaxtyping import Int64
from numba import njit
from numpy import ndarray

from maze_rl.configs.mazes import ALGORITHMS, MazeSpec
from maze_rl.configs.ranges import check_sizes
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.breadth_first import distances_from
from maze_rl.mazes.counter_random import below, start_stream
from maze_rl.mazes.generators.depth_first import carve_depth_first
from maze_rl.mazes.generators.depth_first_percolation import carve_depth_first_percolation
from maze_rl.mazes.generators.wilson import carve_wilson
from maze_rl.mazes.lattice import MazeBatch, MazeCollection, trusted_batch
from maze_rl.mazes.splits import BUCKETS, NUM_BUCKETS, hash_connections, symmetry_words
from maze_rl.seeding import stream_key

_DFS, _WILSON, _DFS_PERCOLATION = (ALGORITHMS.index(name) for name in ("dfs", "wilson", "dfs_percolation"))
_PAIRS_PER_MAZE = 64
_MAZES_PER_INDEX = 20_000


def generate(
    sizes: int | Iterable[int] = range(5, 10),
    algorithm: str = "dfs",
    num: int = 1000,
    seed: int = 0,
    **options: object,
) -> MazeCollection:
    """Generate `num` mazes; the plain form of `generate_mazes`.

    Args:
        sizes: Cells per side, one or several; each maze draws one uniformly.
        algorithm: Name of the generator, one of `maze_rl.configs.mazes.ALGORITHMS`.
        num: Number of mazes.
        seed: Seed; maze i depends on (these arguments, seed, i) alone.
        **options: Further fields of `MazeSpec`, e.g. ``percolation=0.2`` or ``split="test"``.

    Raises:
        MazeRLError: A setting is out of range or unknown, or no maze can meet the constraints.
    """
    chosen = (sizes,) if isinstance(sizes, int) else tuple(sizes)
    spec = MazeSpec(sizes=check_sizes(chosen), algorithm=algorithm, **options)  # type: ignore[arg-type]
    if num < 1:
        raise ConfigurationError(f"num is {num}: ask for at least one maze.")
    return generate_mazes(spec, np.arange(num), seed)


def generate_mazes(spec: MazeSpec, indices: Int64[ndarray, " num"], seed: int) -> MazeCollection:
    """Generate the mazes of (`spec`, `seed`) at `indices`, in that order, grouped by size.

    Raises:
        ConfigurationError: An index meets no maze that fits the constraints in 20000 attempts.
    """
    key = np.uint64(stream_key(seed, "mazes"))
    choice = _draw_sizes(key, indices, len(spec.sizes))
    batches, batch_of, row_of = [], np.empty(len(indices), np.int64), np.empty(len(indices), np.int64)
    for position, size in enumerate(spec.sizes):
        where = np.flatnonzero(choice == position)
        if len(where) == 0:
            continue
        batch_of[where], row_of[where] = len(batches), np.arange(len(where))
        batches.append(_generate_batch(spec, size, indices[where], key))
    return MazeCollection(tuple(batches), batch_of, row_of)


def stream_mazes(spec: MazeSpec, seed: int, chunk: int, start: int = 0) -> Iterator[MazeCollection]:
    """Yield the endless stream of mazes of (`spec`, `seed`), `chunk` at a time, from index `start` on."""
    while True:
        yield generate_mazes(spec, np.arange(start, start + chunk), seed)
        start += chunk


def _generate_batch(spec: MazeSpec, size: int, indices: ndarray, key: np.uint64) -> MazeBatch:
    connections = np.zeros((len(indices), 2, size, size), np.bool_)
    endpoints = np.empty((len(indices), 2, 2), np.int16)
    longest = np.iinfo(np.int32).max if spec.max_path_length is None else spec.max_path_length
    failed = _fill(
        connections, endpoints, indices, key, ALGORITHMS.index(spec.algorithm), spec.percolation,
        spec.min_path_length, longest, *_bucket_range(spec.split), symmetry_words(size, size),
    )  # fmt: skip
    if failed >= 0:
        raise ConfigurationError(
            f"maze {failed}: no {size} x {size} {spec.algorithm} maze in split {spec.split or 'any'} with a path of "
            f"{spec.min_path_length} to {spec.max_path_length or 'any'} steps was found: widen path lengths or sizes."
        )
    # contiguous, as all batches are: another memory layout would compile every kernel a second time
    return trusted_batch(connections, *np.ascontiguousarray(endpoints.swapaxes(0, 1)))


def _bucket_range(split: str | None) -> tuple[int, int]:
    return (0, NUM_BUCKETS) if split is None else BUCKETS[split]


@njit(cache=True)
@no_type_check
def _draw_sizes(key, indices, num_sizes):
    """Return Int64[num]: which of the sizes each maze has, from the first number of its stream."""
    choice = np.empty(len(indices), np.int64)
    state = np.empty(2, np.uint64)
    for position in range(len(indices)):
        start_stream(state, key, indices[position])
        choice[position] = below(state, num_sizes)
    return choice


@njit(cache=True, nogil=True)
@no_type_check
def _fill(connections, endpoints, indices, key, algorithm, percolation, shortest, longest, first, last, words):
    """Fill a batch; return the first index for which no maze was found, or -1."""
    cells = connections.shape[2] * connections.shape[3]
    state = np.empty(2, np.uint64)
    flags, stack = np.empty(cells, np.bool_), np.empty(cells, np.int32)
    distances = np.empty(cells, np.int32)
    whole = first == 0 and last == NUM_BUCKETS
    for position in range(len(indices)):
        start_stream(state, key, indices[position])
        below(state, 1)  # the number that chose the size
        maze = connections[position]
        for _ in range(_MAZES_PER_INDEX):
            maze[:] = False
            if algorithm == _DFS:
                carve_depth_first(maze, state, flags, stack)
            elif algorithm == _WILSON:
                carve_wilson(maze, state, flags, stack)
            elif algorithm == _DFS_PERCOLATION:
                carve_depth_first_percolation(maze, state, flags, stack, percolation)
            if not whole:
                bucket = np.int64(hash_connections(maze, words) % np.uint64(NUM_BUCKETS))
                if bucket < first or bucket >= last:
                    continue
            if _place_endpoints(maze, endpoints[position], state, distances, stack, shortest, longest):
                break
        else:
            return indices[position]
    return -1


@njit(cache=True, nogil=True)
@no_type_check
def _place_endpoints(maze, endpoints, state, distances, queue, shortest, longest):
    """Draw pairs of distinct cells until their distance is allowed; tell whether one was found."""
    cols = maze.shape[2]
    cells = maze.shape[1] * cols
    for _ in range(_PAIRS_PER_MAZE):
        origin = below(state, cells)
        target = below(state, cells - 1)
        target += target >= origin
        if shortest > 1 or longest < cells:
            distances_from(maze, target, distances, queue)
            if not shortest <= distances[origin] <= longest:
                continue
        endpoints[0, 0], endpoints[0, 1] = origin // cols, origin % cols
        endpoints[1, 0], endpoints[1, 1] = target // cols, target % cols
        return True
    return False
