"""Percolation: independent edges with the probability asked for; endpoints in the largest component."""

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.generators.percolation import percolation
from maze_rl.mazes.interchange.graph import to_networkx


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_every_edge_is_open_with_the_probability_asked_for(chance: float, carve: Callable) -> None:
    num = 4000
    connections = carve(percolation, num, 5, 6, percolation=chance)
    shares = np.concatenate(
        [connections[:, 0, :-1].mean(axis=0).ravel(), connections[:, 1, :, :-1].mean(axis=0).ravel()]
    )
    spread = np.sqrt(chance * (1 - chance) / num)
    assert np.abs(shares - chance).max() < 4.5 * spread  # 49 edges
    # independent edges: the number open in a maze is binomial, so its variance is known too
    assert connections.sum(axis=(1, 2, 3)).var() == pytest.approx(len(shares) * chance * (1 - chance), rel=0.12)
    assert not connections[:, 0, -1].any()
    assert not connections[:, 1, :, -1].any()


def test_endpoints_lie_in_the_largest_component() -> None:
    alone = 0
    for maze in generate(6, "percolation", num=300, percolation=0.45):
        components = list(nx.connected_components(to_networkx(maze)))
        largest = max(map(len, components))
        home = next(component for component in components if maze.origin in component)
        assert maze.target in home
        assert len(home) == largest
        alone += len(components) > 1
    assert alone > 200


def test_a_setting_that_cannot_connect_is_one_clear_error() -> None:
    with pytest.raises(ConfigurationError, match=r"percolation is 0: no two cells"):
        generate(5, "percolation", num=3, percolation=0.0)
    with pytest.raises(ConfigurationError, match=r"maze 0: no 3 x 3 percolation maze .* loosen the constraints"):
        generate(3, "percolation", num=3, percolation=1e-9)
