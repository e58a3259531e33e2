"""Rows about tokens, against maze-dataset 1.4.2 (extra `peers`), on one thread.

Both sides turn solved mazes into ids of the same text; the peer does so with its tokenizer that takes less time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.benchmarks.maze_rows import AGAINST, PEER, peer_module
from maze_rl.workflows.benchmarks.rows import Lap, Row, Target, Trial, faster, seconds

_MODES = {"unique_cells": "AOTP_UT_uniform", "coordinate_tuples": "AOTP_CTT_indexed"}
"""The peer's name of each format."""
_SIZE, _MAZES, _PEER_MAZES = 10, 5000, 24
_AT_ONCE = 250
"""Mazes of a batch, of the size of a training step; much larger ones measure how fast memory is filled."""


def _encode(name: str) -> Callable[[int], Trial]:
    def prepare(seed: int) -> Trial:
        streams = [np.arange(start, start + _AT_ONCE) for start in range(0, _MAZES, _AT_ONCE)]
        mazes = generate(_SIZE, "dfs", _MAZES, seed).batches[0]
        solutions = [solve_batch(mazes.take(chosen), seed, chosen) for chosen in streams]
        tokenization = load_tokenization(name, canvas=_SIZE)

        def work() -> None:
            for chosen, solution in zip(streams, solutions, strict=True):
                tokenization.encode_batch(solution.batch, streams=chosen, seed=seed, solution=solution)

        fastest, peer = _fastest_peer_encoder(solutions[0], name)
        detail = f"{_MAZES} mazes, {_AT_ONCE} at once, against {_PEER_MAZES} with its {fastest}, 1 thread"
        return Trial(faster(Lap(work, _MAZES), peer), detail)

    return prepare


def _fastest_peer_encoder(solution: BatchSolution, name: str) -> tuple[str, Lap]:
    """Return the peer's tokenizer that takes less time for this text, its name first."""
    mazes, tokenizers = peer_mazes(solution, _PEER_MAZES), peer_tokenizers(name, _SIZE)
    laps = {type(tokenizer).__name__: Lap(peer_encoder(mazes, tokenizer), _PEER_MAZES) for tokenizer in tokenizers}
    for lap in laps.values():
        lap.work()
    return min(laps.items(), key=lambda item: seconds(item[1]))


def peer_tokenizers(name: str, size: int) -> tuple[Any, Any]:
    """Return the two that write the text of a format: the legacy one, with our ids too, and the modular one."""
    tokenization = peer_module("maze_dataset.tokenization")
    mode = tokenization.TokenizationMode[_MODES[name]]
    legacy = tokenization.MazeTokenizer(tokenization_mode=mode, max_grid_size=size)
    return legacy, tokenization.MazeTokenizerModular.from_legacy(mode)


def peer_mazes(solution: BatchSolution, num: int) -> list[Any]:
    """Return the first mazes of a solution, with their paths, as the peer's."""
    solved_maze = peer_module("maze_dataset").SolvedMaze
    paths = (solution.paths[index, : solution.lengths[index] + 1].astype(np.int64) for index in range(num))
    return [
        solved_maze(connections, path) for connections, path in zip(solution.batch.connections, paths, strict=False)
    ]


def peer_encoder(mazes: list[Any], tokenizer: Any) -> Callable[[], list[list[int]]]:
    """Return work that turns the peer's mazes into ids."""
    return lambda: [tokenizer.encode(maze.as_tokens(tokenizer)) for maze in mazes]


ROWS = (
    Row(
        name="mazes to token ids, 10x10 unique_cells",
        against=AGAINST,
        prepare=_encode("unique_cells"),
        target=Target(">=", 500),
        peer=PEER,
    ),
    Row(
        name="mazes to token ids, 10x10 coordinate_tuples",
        against=AGAINST,
        prepare=_encode("coordinate_tuples"),
        target=Target(">=", 500),
        peer=PEER,
    ),
)
