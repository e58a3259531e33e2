"""Rows about making and solving mazes, against maze-dataset 1.4.2 (extra `peers`), on one thread.

Both sides do the same job on their own data: a maze, two endpoints, their distance and one shortest path.
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
_SHARED = {
    "dfs": ({}, {}),
    "wilson": ({}, {}),
    "kruskal": ({}, {}),
    "prim": ({}, {}),
    "recursive_division": ({}, {}),
    "percolation": ({"percolation": 0.6}, {"p": 0.6}),
    "dfs_percolation": ({"percolation": 0.1}, {"p": 0.1}),
}
"""The generators both packages have: our options, theirs."""
_NUMBERS = {5: (20_000, 30), 10: (6000, 16), 20: (1500, 4)}
"""Mazes per lap by size, ours and theirs."""
_TARGETS = {5: 100, 10: 300, 20: 300}
_HIGHER = {("dfs", 10): 500, ("wilson", 20): 1000}


def _generate_and_solve(algorithm: str, size: int, counted: bool = False) -> Callable[[int], Trial]:
    num, peer_num = _NUMBERS[size]
    options, peer_options = _SHARED[algorithm]

    def ours(seed: int) -> object:
        solution = solve_batch(generate(size, algorithm, num, seed, **options).batches[0], seed)
        return solution.path_counts if counted else solution

    def prepare(seed: int) -> Trial:
        theirs = Lap(_peer_generator(size, algorithm, peer_options, peer_num, seed), peer_num)
        return Trial(faster(Lap(lambda: ours(seed), num), theirs), f"{num} mazes against {peer_num}, 1 thread")

    return prepare


def _peer_generator(size: int, algorithm: str, options: dict, num: int, seed: int) -> Callable[[], object]:
    generators = peer_module("maze_dataset.generation").LatticeMazeGenerators
    carve = getattr(generators, f"gen_{algorithm}")
    # The peer draws from the global generators, both of them.
    random.seed(seed)
    np.random.seed(seed)

    def one() -> object:
        while True:
            maze = carve(np.array([size, size]), **options)
            # its percolation can choose a cell that is alone: drawn again, as its own datasets do
            if len(maze.get_connected_component()) > 1:
                return maze.generate_random_path()

    def lap() -> list[object]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own Prim warns that it is broken
            return [one() for _ in range(num)]

    return lap


def peer_module(name: str) -> Any:
    """Import a module of the peer.

    Raises:
        ImportError: It is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of optional parts of its own
        return import_module(name)


ROWS = (
    *(
        Row(
            name=f"generate and solve, {size}x{size} {algorithm}",
            against=AGAINST,
            prepare=_generate_and_solve(algorithm, size),
            target=Target(">=", _HIGHER.get((algorithm, size), target)),
            peer=PEER,
        )
        for size, target in _TARGETS.items()
        for algorithm in _SHARED
    ),
    Row(
        name="the same and all paths counted, 10x10 dfs_percolation",
        against=f"{AGAINST}, which finds one path",
        prepare=_generate_and_solve("dfs_percolation", 10, counted=True),
        peer=PEER,
    ),
)
