"""Tiny mazes with known answers, for every test of the evaluation."""

from collections.abc import Callable
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.layouts import PADDING, PATH_END, STEPS, Layout
from maze_rl.tokenization.outcomes import Rollouts, Stop
from maze_rl.tokenization.tokenization import load_tokenization


def solved(edges: str, shape: tuple[int, int], origin: str, target: str) -> BatchSolution:
    """Solve a maze given as ``"00-01 01-11"``: each edge joins two cells, written row, col."""
    connections = np.zeros((2, *shape), np.bool_)
    for edge in edges.split():
        (row, col), (next_row, _) = sorted((int(cell[0]), int(cell[1])) for cell in edge.split("-"))
        connections[0 if next_row > row else 1, row, col] = True
    return solve_batch(Maze(connections, (int(origin[0]), int(origin[1])), (int(target[0]), int(target[1]))).as_batch())


@pytest.fixture
def tree() -> BatchSolution:
    """A tree on 3 x 3 whose path is 00 01 02 12 22; at 01 a branch 11 10 20 21 of four cells goes wrong.

    ::

        o---+---+
            |   |
        +---+   +
        |       |
        +---+   x
    """
    return solved("00-01 01-02 02-12 12-22 01-11 11-10 10-20 20-21", (3, 3), "00", "22")


@pytest.fixture
def square() -> BatchSolution:
    """An open 2 x 2 grid, corner to corner: two shortest paths."""
    return solved("00-01 00-10 01-11 10-11", (2, 2), "00", "11")


Walked = Callable[..., Rollouts]


@pytest.fixture
def walked() -> Walked:
    """Makes one rollout from ``"00 01 02"`` and why it stopped."""

    def make(cells: str, stop: Stop = Stop.END) -> Rollouts:
        path = np.array([[int(cell[0]), int(cell[1])] for cell in cells.split()], np.int16).reshape(1, -1, 2)
        return Rollouts(path, np.array([path.shape[1]]), np.array([stop], np.int8))

    return make


@pytest.fixture(scope="session")
def tiny_model() -> MazeTransformer:
    """An untrained model on a 5 x 5 canvas, mazes at random offsets."""
    tokenization = load_tokenization("edges", canvas=5, random_offsets=True)
    return build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1), tokenization)


Decode = Callable[[HookedTransformer, Tensor, Tensor, Tensor], Tensor]


def listed_grid(prompt: Tensor, layout: Layout) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the corner on the canvas and the shape of the maze whose cells a prompt lists; None for other lists."""
    places = layout.open_cell_of_id[prompt.numpy()]
    places = places[places[:, 0] >= 0, :2]
    if len(places) == 0:
        return None
    (top, left), (bottom, right) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    return (top, left), (bottom - top + 1, right - left + 1)


def turns_along(path: list[tuple[int, int]]) -> list[str]:
    """Return the words of the steps of a walker who starts facing north; rows count downwards."""
    words, (ahead_row, ahead_col) = [], (-1, 0)
    for (row, col), (next_row, next_col) in pairwise(path):
        step = next_row - row, next_col - col
        left, right = (-ahead_col, ahead_row), (ahead_col, -ahead_row)
        words.append({(ahead_row, ahead_col): "FORWARD", left: "LEFT", right: "RIGHT"}.get(step, "BACKWARD"))
        ahead_row, ahead_col = step
    return words


@pytest.fixture
def solving_decode() -> Decode:
    """A decoder that reads the maze off the prompt's text and writes a shortest path."""

    def decode(model: HookedTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        tokenization = cast(MazeTransformer, model).tokenization
        side = tokenization.canvas
        new = torch.full((len(prompts), int(budget.max())), PADDING)
        for row, (prompt, length) in enumerate(zip(prompts, lengths, strict=True)):
            # The whole canvas is read as one maze, so this knows nothing of offsets; a list of cells tells of its own.
            corner, grid = listed_grid(prompt, tokenization.layout) or ((0, 0), (side, side))
            maze = tokenization.from_text(str(tokenization.decode(prompt[: int(length)])), grid, corner)
            path = solve_batch(maze.as_batch(), seed=9)[0].path
            rows, cols = (np.array(path) + corner).T
            ids = [*tokenization.layout.cell_tokens[rows, cols].ravel().tolist(), PATH_END]
            ids = ids[tokenization.layout.given_tokens :]
            if tokenization.layout.path_as_turns:
                ids = [*(tokenization.word_ids[word] for word in turns_along(path)), PATH_END]
            elif tokenization.layout.path_as_moves:
                steps = np.diff(path, axis=0).reshape(-1, 1, 2)
                ids = [
                    *tokenization.layout.path_move_ids[(steps == STEPS).all(axis=2).argmax(axis=1)].tolist(),
                    PATH_END,
                ]
            new[row, : len(ids)] = torch.tensor(ids)[: new.shape[1]]
        return new

    return decode
