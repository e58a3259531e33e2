"""Rows about mazes, against maze-dataset 1.4.2 (extra `peers`), on one thread.

Both sides do the same job on their own data: a maze, two endpoints, one shortest path.
"""

import random
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import solve_batch
from maze_rl.workflows.benchmarks.rows import Lap, Row, Target, Trial, faster

PEER, AGAINST = "maze-dataset", "maze-dataset 1.4.2"


def _generate_and_solve(size: int, algorithm: str, num: int, peer_num: int) -> Callable[[int], Trial]:
    def prepare(seed: int) -> Trial:
        ours = Lap(lambda: solve_batch(generate(size, algorithm, num, seed).batches[0], seed), num)
        peer = Lap(_peer_generator(size, algorithm, peer_num, seed), peer_num)
        return Trial(faster(ours, peer), f"{num} mazes against {peer_num}, 1 thread")

    return prepare


def _peer_generator(size: int, algorithm: str, num: int, seed: int) -> Callable[[], object]:
    carve = getattr(peer_module("maze_dataset.generation").LatticeMazeGenerators, f"gen_{algorithm}")
    # The peer draws from the global generators, both of them.
    random.seed(seed)
    np.random.seed(seed)
    return lambda: [carve(np.array([size, size])).generate_random_path() for _ in range(num)]


def peer_module(name: str) -> Any:
    """Import a module of the peer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of optional parts of its own
        return import_module(name)


ROWS = (
    Row(
        name="generate and solve, 10x10 dfs",
        against=AGAINST,
        prepare=_generate_and_solve(10, "dfs", 10_000, 16),
        target=Target(">=", 500),
        peer=PEER,
    ),
    Row(
        name="generate and solve, 20x20 wilson",
        against=AGAINST,
        prepare=_generate_and_solve(20, "wilson", 2000, 4),
        target=Target(">=", 1000),
        peer=PEER,
    ),
)
