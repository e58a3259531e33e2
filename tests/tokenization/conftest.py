"""The worked example of the format, and mazes of any shape."""

from collections.abc import Callable

import numpy as np
import pytest

from maze_rl.mazes.counter_random import start_stream
from maze_rl.mazes.generators.depth_first_percolation import depth_first_percolation
from maze_rl.mazes.lattice import Maze


@pytest.fixture
def worked_maze() -> Maze:
    """The 3x3 maze of maze-dataset's documentation; its path is (0,0) (1,0) (2,0) (2,1)."""
    down, right = [[1, 0, 1], [1, 1, 0], [0, 0, 0]], [[1, 1, 0], [0, 0, 0], [1, 1, 0]]
    return Maze(np.array([down, right], np.bool_), (0, 0), (2, 1))


@pytest.fixture(scope="session")
def rectangle() -> Callable[..., Maze]:
    """Carve a maze of any shape; `percolation` 0 gives a tree."""

    def carve(rows: int, cols: int, percolation: float, seed: int) -> Maze:
        connections, state = np.zeros((2, rows, cols), np.bool_), np.empty(2, np.uint64)
        start_stream(state, np.uint64(7), seed)
        depth_first_percolation(connections[None], state[None], np.array([0]), percolation=percolation)
        random = np.random.default_rng(seed)
        origin, target = (divmod(int(cell), cols) for cell in random.integers(0, rows * cols, 2))
        return Maze(connections, origin, target)

    return carve
