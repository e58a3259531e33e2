"""What every tree generator must give: a spanning tree of any rectangle, n * m - 1 edges, all cells connected."""

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from maze_rl.mazes.algorithms import GENERATORS

TREES = ("dfs", "wilson", "aldous_broder", "kruskal", "prim", "hunt_and_kill", "recursive_division")


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (2, 2), (3, 7), (8, 4), (12, 12)])
@pytest.mark.parametrize("algorithm", TREES)
def test_is_a_spanning_tree_of_any_rectangle(algorithm: str, shape: tuple[int, int], carve: Callable) -> None:
    for connections in carve(GENERATORS[algorithm], 20, *shape):
        assert connections.sum() == shape[0] * shape[1] - 1
        graph = nx.Graph()
        graph.add_nodes_from(np.ndindex(shape))
        graph.add_edges_from(((r, c), (r + 1 - d, c + d)) for d, r, c in np.argwhere(connections))
        assert graph.number_of_nodes() == shape[0] * shape[1]
        assert nx.is_tree(graph)


@pytest.mark.parametrize("algorithm", [name for name in TREES if name != "hunt_and_kill"])
def test_edges_are_open_equally_often_under_every_symmetry(algorithm: str, carve: Callable) -> None:
    # hunt and kill searches row by row from the top, so it has none of these symmetries
    num = 8000
    connections = carve(GENERATORS[algorithm], num, 5, 5)
    down, right = connections[:, 0, :-1].mean(axis=0), connections[:, 1, :, :-1].mean(axis=0)
    spread = 5 * np.sqrt(2 * 0.25 / num)
    for turned in (down[::-1], down[:, ::-1], right.T, right.T[::-1], right.T[:, ::-1]):
        assert np.abs(down - turned).max() < spread


@pytest.mark.parametrize("algorithm", GENERATORS)
def test_only_the_rows_asked_for_are_carved(algorithm: str, carve: Callable) -> None:
    whole = carve(GENERATORS[algorithm], 6, 4, 5)

    def some(connections: np.ndarray, states: np.ndarray, pending: np.ndarray) -> None:
        GENERATORS[algorithm](connections, states, np.array([4, 1]))

    chosen = carve(some, 6, 4, 5)
    assert (chosen[[1, 4]] == whole[[1, 4]]).all()
    assert not chosen[[0, 2, 3, 5]].any()
