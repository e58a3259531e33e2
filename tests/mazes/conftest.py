"""Arrays to test with: carved grids of any shape, random graphs with several components, fully open grids."""

from collections.abc import Callable

import numpy as np
import pytest

from maze_rl.mazes.counter_random import start_stream
from maze_rl.mazes.lattice import MazeBatch


def close_border(connections: np.ndarray) -> np.ndarray:
    connections[:, 0, -1, :] = False
    connections[:, 1, :, -1] = False
    return connections


@pytest.fixture
def open_grids() -> Callable[..., MazeBatch]:
    """Mazes without a wall, from one corner to the other or between given cells."""

    def build(num: int, rows: int, cols: int, origin: tuple = (0, 0), target: tuple | None = None) -> MazeBatch:
        connections = close_border(np.ones((num, 2, rows, cols), np.bool_))
        ends = np.array([origin, target or (rows - 1, cols - 1)], np.int16)
        return MazeBatch(connections, np.tile(ends[0], (num, 1)), np.tile(ends[1], (num, 1)))

    return build


@pytest.fixture
def random_graphs() -> Callable[..., MazeBatch]:
    """Mazes whose edges are open with probability `openness`; origin and target share a component, others exist."""

    def build(num: int, rows: int, cols: int, openness: float, seed: int = 0) -> MazeBatch:
        random = np.random.default_rng(seed)
        connections = close_border(random.random((num, 2, rows, cols)) < openness)
        origins = np.stack([random.integers(0, rows, num), random.integers(0, cols, num)], axis=1)
        targets = origins.copy()
        for maze, cell in zip(connections, targets, strict=True):
            for _ in range(random.integers(0, 3 * (rows + cols))):  # a random walk stays in the component
                row, col = cell
                steps = (
                    (maze[0, row, col], (1, 0)),
                    (maze[1, row, col], (0, 1)),
                    (row > 0 and maze[0, row - 1, col], (-1, 0)),
                    (col > 0 and maze[1, row, col - 1], (0, -1)),
                )
                moves = [move for is_open, move in steps if is_open]
                if moves:
                    cell += moves[random.integers(len(moves))]
        return MazeBatch(connections, origins.astype(np.int16), targets.astype(np.int16))

    return build


@pytest.fixture
def carve() -> Callable[..., np.ndarray]:
    """Run a generator on `num` grids of any shape, from the same streams every time."""

    def run(generator: Callable, num: int, rows: int, cols: int, **options: object) -> np.ndarray:
        connections = np.zeros((num, 2, rows, cols), np.bool_)
        states = np.empty((num, 2), np.uint64)
        for index in range(num):
            start_stream(states[index], np.uint64(1), index)
        generator(connections, states, np.arange(num), **options)
        return connections

    return run
