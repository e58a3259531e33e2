"""`maze-rl solve`: a trained model walks one maze, and every step is judged.

Cells are the maze's own, (row, col) from its upper left corner. A model may see the maze elsewhere on its canvas:
`words` are what it wrote there, and `offset` tells where the maze lay.
"""

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import torch
from transformer_lens import HookedTransformer

from maze_rl.configs.ranges import AnySize, check_square
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import MazeRLError
from maze_rl.evaluation.rollouts import with_given_origins
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.pictures.plotting import first_wrong_step
from maze_rl.mazes.solve import Solution, solve
from maze_rl.mazes.splits import SMALLEST_SPLIT_SIZE
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.layouts import PATH_END, SPECIAL_WORDS, Layout, cell_word
from maze_rl.tokenization.outcomes import Stop, budget_for, parse_rollouts
from maze_rl.workflows.chosen_model import chosen_model


@dataclass(frozen=True)
class Walk(Shown):
    """What a model wrote for one maze."""

    maze: Maze
    solution: Solution
    cells: list[Cell]
    """The cells written or moved to, up to the first token that leads to no cell of the maze."""
    words: list[str]
    """Every word written, as the model reads and writes them: they name cells of the canvas. An origin that the model
    never learned to write, and was given, is the first of them."""
    offset: Cell
    """Where the maze's cell (0, 0) lay on the canvas: a word's cell minus the offset is the cell of the maze."""
    stop: Stop
    """Why there is no further cell."""
    stray: str
    """What was written in place of a further cell: a cell off the maze, in the maze's coordinates, or words that name
    none; empty at an end, and where nothing more was written."""

    @property
    def ended(self) -> bool:
        """Whether the model ended the path itself, right after its last cell."""
        return self.stop == Stop.END

    @property
    def steps(self) -> list[str]:
        """The walk for people: every cell in the maze's coordinates, the first wrong one marked, and what ended it."""
        cells = [cell_word(*cell) for cell in self.cells]
        if self.first_wrong is not None:
            cells[self.first_wrong] = f">>{cells[self.first_wrong]}<<"
        last = SPECIAL_WORDS[PATH_END] if self.ended else f">>{self.stray}<<" if self.stray else "..."
        return [*cells, last]

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
        if self.stray:
            what = "leads out of the maze" if self.stop == Stop.MALFORMED_CELL else "names no cell"
            shortest = f"(shortest: {self.solution.distance} steps)"
            return f"writes {self.stray} after {len(self.cells)} cells, which {what} {shortest}"
        if not self.ended:
            return f"no end after {len(self.cells)} cells (shortest: {self.solution.distance} steps)"
        return f"stops early, after {len(self.cells)} of {self.solution.distance + 1} cells"


def solve_with_model(
    model: HookedTransformer | str | PathLike[str], maze: Maze, seed: int = 0, *, loops: int | None = None
) -> Walk:
    """Let a model walk `maze` greedily from its origin, with its block applied `loops` times where that is asked for.

    A model that was never asked for the origin is given it, as in rollouts.

    Raises:
        MazeRLError: There is no such model, the maze does not fit its canvas, or the model has no loops.
    """
    loaded = chosen_model(model, loops)
    tokenization = tokenization_of(loaded)
    encoded = tokenization.encode(maze, seed=seed, prompt_only=True)
    layout, budget = tokenization.layout, budget_for(maze.shape, tokenization.layout)
    _check_room(loaded, encoded.tokens.shape[1] + budget - 1)
    prompts, lengths, given = with_given_origins(loaded, maze.as_batch(), encoded.tokens, encoded.spans)
    inputs = (prompts, lengths, torch.tensor([budget - given.shape[1]]))
    continued = decode_paths(loaded, *(tensor.to(loaded.cfg.device) for tensor in inputs))[0].cpu()
    written = torch.cat([given[0], continued]).numpy()
    origins, offsets = maze.as_batch().origins, encoded.spans.offsets.numpy()
    walk = parse_rollouts(written[None], origins, offsets, maze.shape, layout, np.array([len(written)]))
    cells = [(int(row), int(col)) for row, col in walk.cells[0, : walk.num_cells[0]]]
    words = [layout.words[token] if token < len(layout.words) else f"<id {token}>" for token in written]
    row, col = offsets[0].tolist()
    stop = Stop(int(walk.stops[0]))
    unread = words[layout.tokens_per_step * (len(cells) - layout.starts_at_origin) :][: layout.tokens_per_step]
    stray = "" if stop == Stop.END or len(unread) < layout.tokens_per_step else _in_the_maze(unread, layout, (row, col))
    return Walk(maze, solve(maze), cells, words, (row, col), stop, stray)


def _in_the_maze(words: list[str], layout: Layout, offset: Cell) -> str:
    """Return words as people read them: a cell of the canvas as one of the maze, all else as it is."""
    cell = layout.words_from_cells.get(" ".join(words))
    return " ".join(words) if cell is None else cell_word(cell[0] - offset[0], cell[1] - offset[1])


def _check_room(model: HookedTransformer, most: int) -> None:
    if most > model.cfg.n_ctx:
        raise MazeRLError(
            f"a walk through this maze can take {most} tokens, and the model's context has n_ctx={model.cfg.n_ctx}: "
            "use a smaller maze."
        )


def draw_maze(size: AnySize, algorithm: str = "dfs", seed: int = 0, **options: Any) -> Maze:
    """Return a maze no model trained on: maze 0 of the test split of (size, algorithm, seed); any for sizes under 4."""
    size = check_square("size", size)
    split = "test" if size >= SMALLEST_SPLIT_SIZE else None
    return generate(size, algorithm, num=1, seed=seed, split=split, **options)[0]
