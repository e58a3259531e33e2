"""`maze-rl solve`: a trained model walks one maze, and every step is judged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformer_lens import HookedTransformer

from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.pictures.plotting import first_wrong_step
from maze_rl.mazes.solve import Solution, solve
from maze_rl.mazes.splits import SMALLEST_SPLIT_SIZE
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.outcomes import Stop, budget_for, parse_rollouts
from maze_rl.workflows.chosen_model import chosen_model


@dataclass(frozen=True)
class Walk:
    """What a model wrote for one maze."""

    maze: Maze
    solution: Solution
    cells: list[Cell]
    """The cells written or moved to, up to the first token that leads to no cell of the maze."""
    words: list[str]
    """Every word written."""
    ended: bool
    """Whether the model ended the path itself, right after its last cell."""

    @property
    def first_wrong(self) -> int | None:
        """Index of the first cell that no shortest path allows there, or None."""
        return first_wrong_step(self.maze, self.cells)

    @property
    def is_shortest(self) -> bool:
        """Whether the model walked a shortest path and ended it."""
        return self.ended and self.first_wrong is None and bool(self.cells) and self.cells[-1] == self.maze.target

    @property
    def verdict(self) -> str:
        """One sentence about the walk."""
        if self.is_shortest:
            return f"a shortest path: {self.solution.distance} steps"
        if self.first_wrong is not None:
            return f"leaves the shortest paths at step {self.first_wrong}, of {self.solution.distance}"
        if not self.ended:
            return f"no end after {len(self.cells)} cells (shortest: {self.solution.distance} steps)"
        return f"stops early, after {len(self.cells)} of {self.solution.distance + 1} cells"


def solve_with_model(
    model: HookedTransformer | str | Path, maze: Maze, seed: int = 0, *, loops: int | None = None
) -> Walk:
    """Let a model walk `maze` greedily from its origin, with its block applied `loops` times where that is asked for.

    Raises:
        MazeRLError: There is no such model, the maze does not fit its canvas, or the model has no loops.
    """
    loaded = chosen_model(model, loops)
    tokenization = tokenization_of(loaded)
    encoded = tokenization.encode(maze, seed=seed, prompt_only=True)
    layout, budget = tokenization.layout, budget_for(maze.shape, tokenization.layout)
    _check_room(loaded, encoded.tokens.shape[1] + budget - 1)
    inputs = (encoded.tokens, encoded.spans.lengths, torch.tensor([budget]))
    written = decode_paths(loaded, *(tensor.to(loaded.cfg.device) for tensor in inputs))[0].cpu().numpy()
    origins, offsets = maze.as_batch().origins, encoded.spans.offsets.numpy()
    walk = parse_rollouts(written[None], origins, offsets, maze.shape, layout, np.array([len(written)]))
    cells = [(int(row), int(col)) for row, col in walk.cells[0, : walk.num_cells[0]]]
    words = [layout.words[token] if token < len(layout.words) else f"<id {token}>" for token in written]
    return Walk(maze, solve(maze), cells, words, bool(walk.stops[0] == Stop.END))


def _check_room(model: HookedTransformer, most: int) -> None:
    if most > model.cfg.n_ctx:
        raise MazeRLError(
            f"a walk through this maze can take {most} tokens, and the model's context has n_ctx={model.cfg.n_ctx}: "
            "use a smaller maze."
        )


def draw_maze(size: int, algorithm: str = "dfs", seed: int = 0, **options: Any) -> Maze:
    """Return a maze no model trained on: maze 0 of the test split of (size, algorithm, seed); any for sizes under 4."""
    split = "test" if size >= SMALLEST_SPLIT_SIZE else None
    return generate(size, algorithm, num=1, seed=seed, split=split, **options)[0]


def read_maze(path: Path, model: HookedTransformer, grid: tuple[int, int]) -> Maze:
    """Read a maze from token text in the model's own format.

    Raises:
        MazeRLError: The file cannot be read, or its text is no maze.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise MazeRLError(f"{path}: the file cannot be read ({error.strerror}).") from error
    return tokenization_of(model).from_text(text, grid)
