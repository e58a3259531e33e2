"""Percolation: a depth-first tree, and each other edge open with the probability asked for."""

from collections.abc import Callable

import numpy as np
import pytest

from maze_rl.mazes.generate import generate
from maze_rl.mazes.generators.depth_first import depth_first
from maze_rl.mazes.generators.depth_first_percolation import depth_first_percolation


@pytest.mark.parametrize("percolation", [0.05, 0.3, 0.8])
def test_share_of_walls_opened(percolation: float) -> None:
    num, size = 2000, 7
    connections = generate(size, "dfs_percolation", num=num, percolation=percolation).batches[0].connections
    walls_of_a_tree = 2 * size * (size - 1) - (size * size - 1)
    opened = connections.sum(axis=(1, 2, 3)) - (size * size - 1)
    assert abs(opened.mean() / walls_of_a_tree - percolation) < 4 * np.sqrt(
        percolation * (1 - percolation) / (num * walls_of_a_tree)
    )
    # independent walls: the number opened in a maze is binomial, so its variance is known too
    assert opened.var() == pytest.approx(walls_of_a_tree * percolation * (1 - percolation), rel=0.15)


@pytest.mark.parametrize(("percolation", "num_edges"), [(0.0, 6 * 6 - 1), (1.0, 2 * 6 * 5)])
def test_extremes(percolation: float, num_edges: int) -> None:
    connections = generate(6, "dfs_percolation", num=50, percolation=percolation).batches[0].connections
    assert (connections.sum(axis=(1, 2, 3)) == num_edges).all()


def test_contains_the_tree_of_the_same_stream(carve: Callable) -> None:
    trees = carve(depth_first, 50, 4, 6)
    mazes = carve(depth_first_percolation, 50, 4, 6, percolation=0.2)
    assert (mazes | ~trees).all()
    assert (mazes & ~trees).any()


def test_opened_walls_spread_over_both_directions(carve: Callable) -> None:
    trees = carve(depth_first, 1500, 5, 5)
    opened = carve(depth_first_percolation, 1500, 5, 5, percolation=0.3) & ~trees
    closed = ~trees
    closed[:, 0, -1], closed[:, 1, :, -1] = False, False
    share = opened.sum(axis=(0, 2, 3)) / closed.sum(axis=(0, 2, 3))
    assert np.abs(share - 0.3).max() < 4 * np.sqrt(0.21 / closed.sum(axis=(0, 2, 3)).min())
