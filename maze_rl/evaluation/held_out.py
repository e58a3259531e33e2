"""The mazes a model is tested on, and which sizes tell most where a further test is not made on all of them."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import OptionValue
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import BatchSolution
from maze_rl.mazes.splits import SMALLEST_SPLIT_SIZE, maze_hashes, split_numbers
from maze_rl.mazes.storage.columns import count_splits

MOST_MAZES = 200
"""Mazes of a size whose single decisions are asked about: the first ones."""


def held_out_mazes(spec: MazeSpec, num: int, seed: int) -> MazeBatch:
    """Make test mazes of one size.

    Args:
        spec: The kind of maze, of one size.
        num: Number of mazes.
        seed: Seed of the mazes.

    Raises:
        ConfigurationError: The split holds no maze of that size.
    """
    try:
        return generate_mazes(spec, np.arange(num), seed).batches[0]
    except ConfigurationError as error:
        if spec.split is None:
            raise
        size = spec.sizes[0]
        raise ConfigurationError(
            f"size {size}: no {size} x {size} {spec.algorithm} maze falls into the {spec.split} split "
            "(so small a grid has few mazes): evaluate larger sizes, or split=None for mazes training may have seen."
        ) from error


def sizes_held_out(sizes: Sequence[int], algorithm: str, options: Mapping[str, OptionValue], seed: int) -> list[int]:
    """Return the sizes of which the test split holds a maze: all but a few of the smallest."""
    return [size for size in sizes if size >= SMALLEST_SPLIT_SIZE or _holds_one(size, algorithm, options, seed)]


def _holds_one(size: int, algorithm: str, options: Mapping[str, OptionValue], seed: int) -> bool:
    try:
        held_out_mazes(MazeSpec(sizes=(size,), algorithm=algorithm, options=options, split="test"), 1, seed)
    except ConfigurationError:
        return False
    return True


def first_mazes(solution: BatchSolution, most: int = MOST_MAZES) -> BatchSolution:
    """Return the first mazes of a solved batch, `most` at most, with their paths."""
    some = slice(most)
    return BatchSolution(solution.batch.take(some), solution.paths[some], solution.lengths[some])


def telling_sizes(sizes: Sequence[int], training_sizes: Sequence[int]) -> list[int]:
    """Choose the smallest size, the largest trained on, the first beyond it and the largest; each once, ascending."""
    ordered = sorted(set(sizes))
    if not ordered:
        return []
    largest = max(training_sizes, default=ordered[-1])
    inside = [size for size in ordered if size <= largest]
    beyond = [size for size in ordered if size > largest]
    return sorted({ordered[0], *inside[-1:], *beyond[:1], ordered[-1]})


def by_split(batches: Iterable[MazeBatch]) -> dict[str, int]:
    """Count the mazes of each split: a model may have been trained on walls of the training split."""
    counts = [count_splits(split_numbers(maze_hashes(batch))) for batch in batches]
    return {name: sum(each[name] for each in counts) for name in counts[0]}
