"""Wilson: every spanning tree equally often."""

from collections.abc import Callable
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from scipy.stats import chisquare

from maze_rl.mazes.generate import generate
from maze_rl.mazes.generators.wilson import carve_wilson


def spanning_trees(rows: int, cols: int) -> list[list[frozenset]]:
    """List every spanning tree of a grid, by brute force."""
    grid = nx.grid_2d_graph(rows, cols)
    cells = grid.number_of_nodes()
    trees = (nx.Graph(list(edges)) for edges in combinations(grid.edges, cells - 1))
    return [[frozenset(e) for e in t.edges] for t in trees if t.number_of_nodes() == cells and nx.is_connected(t)]


def test_all_192_trees_of_3x3_are_equally_likely(codes: Callable, code_of_edges: Callable) -> None:
    trees = {code_of_edges(tree, 3, 3) for tree in spanning_trees(3, 3)}
    assert len(trees) == 192
    drawn, counts = np.unique(codes(generate(3, "wilson", num=20_000).batches[0].connections), return_counts=True)
    assert set(drawn.tolist()) == trees
    # a seed that is fixed: this fails for a bias, not by chance; too even would be as wrong as too uneven
    assert 1e-4 < chisquare(counts).pvalue < 1 - 1e-4


def test_all_15_trees_of_2x3_are_equally_likely(carve: Callable, codes: Callable, code_of_edges: Callable) -> None:
    trees = {code_of_edges(tree, 2, 3) for tree in spanning_trees(2, 3)}
    drawn, counts = np.unique(codes(carve(carve_wilson, 6000, 2, 3)), return_counts=True)
    assert len(trees) == 15
    assert set(drawn.tolist()) == trees
    assert chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 6), (5, 1), (3, 7), (8, 4), (12, 12)])
def test_is_a_spanning_tree_of_any_rectangle(rows: int, cols: int, carve: Callable) -> None:
    for connections in carve(carve_wilson, 20, rows, cols):
        graph = nx.Graph()
        graph.add_nodes_from(np.ndindex(rows, cols))
        graph.add_edges_from(((r, c), (r + 1 - d, c + d)) for d, r, c in np.argwhere(connections))
        assert graph.number_of_nodes() == rows * cols
        assert nx.is_tree(graph)
