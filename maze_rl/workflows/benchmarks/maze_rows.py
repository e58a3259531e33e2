"""Rows about mazes and tokens, against maze-dataset 1.4.2 (extra `peers`), on one thread.

Both sides do the same job on their own data: a maze, two endpoints, one shortest path; then its token ids.
"""

import random
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.benchmarks.rows import Lap, Row, Target, Trial, faster, seconds

_PEER, _AGAINST = "maze-dataset", "maze-dataset 1.4.2"


def _generate_and_solve(size: int, algorithm: str, num: int, peer_num: int) -> Callable[[int], Trial]:
    def prepare(seed: int) -> Trial:
        ours = Lap(lambda: solve_batch(generate(size, algorithm, num, seed).batches[0], seed), num)
        peer = Lap(_peer_generator(size, algorithm, peer_num, seed), peer_num)
        return Trial(faster(ours, peer), f"{num} mazes against {peer_num}, 1 thread")

    return prepare


def _peer_generator(size: int, algorithm: str, num: int, seed: int) -> Callable[[], object]:
    carve = getattr(_peer_module("maze_dataset.generation").LatticeMazeGenerators, f"gen_{algorithm}")
    # The peer draws from the global generators, both of them.
    random.seed(seed)
    np.random.seed(seed)
    return lambda: [carve(np.array([size, size])).generate_random_path() for _ in range(num)]


def _encode(seed: int) -> Trial:
    size, num, peer_num = 10, 5000, 24
    batch = generate(size, "dfs", num, seed).batches[0]
    solution, streams = solve_batch(batch, seed), np.arange(num)
    tokenization = load_tokenization("unique_cells", canvas=size)
    ours = Lap(lambda: tokenization.encode_batch(batch, streams=streams, seed=seed, solution=solution), num)
    name, peer = _fastest_peer_encoder(solution, size, peer_num)
    return Trial(faster(ours, peer), f"{num} mazes against {peer_num} with its {name}, 1 thread")


def _fastest_peer_encoder(solution: BatchSolution, size: int, num: int) -> tuple[str, Lap]:
    """Return the peer's tokenizer that takes less time for this text, its name first."""
    mazes = _peer_mazes(solution, num)
    laps = {type(tokenizer).__name__: Lap(_peer_encoder(mazes, tokenizer), num) for tokenizer in _peer_tokenizers(size)}
    for lap in laps.values():
        lap.work()
    return min(laps.items(), key=lambda item: seconds(item[1]))


def _peer_tokenizers(size: int) -> tuple[Any, Any]:
    """Return the two that write our text: the legacy one, with our ids too, and the modular one's default."""
    tokenization = _peer_module("maze_dataset.tokenization")
    uniform = tokenization.TokenizationMode.AOTP_UT_uniform
    legacy = tokenization.MazeTokenizer(tokenization_mode=uniform, max_grid_size=size)
    return legacy, tokenization.MazeTokenizerModular()


def _peer_mazes(solution: BatchSolution, num: int) -> list[Any]:
    solved_maze = _peer_module("maze_dataset").SolvedMaze
    paths = (solution.paths[index, : solution.lengths[index] + 1].astype(np.int64) for index in range(num))
    return [
        solved_maze(connections, path) for connections, path in zip(solution.batch.connections, paths, strict=False)
    ]


def _peer_module(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of optional parts of its own
        return import_module(name)


def _peer_encoder(mazes: list[Any], tokenizer: Any) -> Callable[[], list[list[int]]]:
    return lambda: [tokenizer.encode(maze.as_tokens(tokenizer)) for maze in mazes]


ROWS = (
    Row(
        name="generate and solve, 10x10 dfs",
        against=_AGAINST,
        prepare=_generate_and_solve(10, "dfs", 10_000, 16),
        target=Target(">=", 500),
        peer=_PEER,
    ),
    Row(
        name="generate and solve, 20x20 wilson",
        against=_AGAINST,
        prepare=_generate_and_solve(20, "wilson", 2000, 4),
        target=Target(">=", 1000),
        peer=_PEER,
    ),
    Row(
        name="mazes to token ids, 10x10 unique_cells",
        against=_AGAINST,
        prepare=_encode,
        target=Target(">=", 500),
        peer=_PEER,
    ),
)
