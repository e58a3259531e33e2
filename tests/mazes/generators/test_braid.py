"""Braid: the share of dead ends asked for is opened, on top of the tree of the same stream."""

from collections.abc import Callable

import numpy as np
import pytest

from maze_rl.mazes.generators.braid import braid
from maze_rl.mazes.generators.depth_first import depth_first


def dead_ends(connections: np.ndarray) -> np.ndarray:
    """Count the cells of degree 1 of each maze."""
    degree = connections.sum(axis=1).astype(int)
    degree[:, 1:] += connections[:, 0, :-1]
    degree[:, :, 1:] += connections[:, 1, :, :-1]
    return (degree == 1).sum(axis=(1, 2))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(7, 7), (4, 9)])
def test_the_share_asked_for_is_opened(share: float, shape: tuple[int, int], carve: Callable) -> None:
    trees, mazes = carve(depth_first, 400, *shape), carve(braid, 400, *shape, braid=share)
    assert (mazes | ~trees).all()
    wanted = np.floor(share * dead_ends(trees) + 0.5)
    opened = dead_ends(trees) - dead_ends(mazes)
    # a wall between two dead ends ends both, so one more than asked for can go
    assert ((opened == wanted) | (opened == wanted + 1)).all()
    if 0 < share < 1:
        assert (opened == wanted).any()
    if share == 1:
        assert (dead_ends(mazes) == 0).all()
