"""Depth-first search: spanning trees, with the exact distribution of the algorithm from a uniform root."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import networkx as nx
import numpy as np
import pytest

from maze_rl.mazes.generate import generate
from maze_rl.mazes.generators.depth_first import depth_first


def exact_distribution(size: int, roots: Iterable[tuple[int, int]]) -> dict[frozenset, float]:
    """Return the probability of every tree, by following all choices the algorithm could make."""
    roots = list(roots)
    grid = nx.grid_2d_graph(size, size)
    done: dict[frozenset, float] = defaultdict(float)
    states = {((root,), frozenset([root]), frozenset()): 1 / len(roots) for root in roots}
    while states:
        following: dict[tuple, float] = defaultdict(float)
        for (stack, visited, edges), chance in states.items():
            if len(visited) == size * size:
                done[edges] += chance
                continue
            options = [cell for cell in grid[stack[-1]] if cell not in visited]
            if not options:
                following[stack[:-1], visited, edges] += chance
            for cell in options:
                state = (*stack, cell), visited | {cell}, edges | {frozenset([stack[-1], cell])}
                following[state] += chance / len(options)
        states = following
    return done


def test_trees_of_3x3_follow_the_exact_distribution(fit: Callable) -> None:
    drawn = generate(3, "dfs", num=20_000).batches[0].connections
    assert 1e-4 < fit(drawn, exact_distribution(3, np.ndindex(3, 3))) < 1 - 1e-4
    # a root that is never in the last row or column would be noticed
    assert fit(drawn, exact_distribution(3, np.ndindex(2, 2))) < 1e-9


def test_edges_are_open_equally_often_under_every_symmetry() -> None:
    connections = generate(5, "dfs", num=8000).batches[0].connections
    down, right = connections[:, 0, :-1].mean(axis=0), connections[:, 1, :, :-1].mean(axis=0)
    spread = 5 * np.sqrt(2 * 0.25 / 8000)
    for turned in (down[::-1], down[:, ::-1], right.T, right.T[::-1], right.T[:, ::-1]):
        assert np.abs(down - turned).max() < spread


@pytest.mark.parametrize(("accessible", "cells"), [(0.5, 18), (7, 7), (1.0, 36), (400, 36)])
def test_accessible_cells_are_a_share_or_a_number(accessible: int | float, cells: int, carve: Callable) -> None:
    for connections in carve(depth_first, 50, 6, 6, accessible_cells=accessible):
        assert connections.sum() == cells - 1
        carved = [component for component in nx.connected_components(graph_of(connections)) if len(component) > 1]
        assert [len(component) for component in carved] == [cells]


@pytest.mark.parametrize("deepest", [1, 4, 9])
def test_no_cell_is_deeper_than_the_limit(deepest: int, carve: Callable) -> None:
    reached = set()
    for connections in carve(depth_first, 200, 7, 7, max_depth=deepest):
        tree = graph_of(connections)
        component = tree.subgraph(max(nx.connected_components(tree), key=len))
        assert nx.is_tree(component)
        # some cell, the root, has every other within the limit
        reached.add(nx.radius(component))
        assert nx.radius(component) <= deepest
        assert nx.diameter(component) <= 2 * deepest
    assert max(reached) == deepest


def test_a_corridor_never_forks_and_ends_where_it_is_stuck(carve: Callable) -> None:
    for connections in carve(depth_first, 200, 6, 8, forks=False):
        graph = graph_of(connections)
        corridor = max(nx.connected_components(graph), key=len)
        assert max(degree for _, degree in graph.degree) <= 2
        ends = [cell for cell in corridor if graph.degree[cell] == 1]
        assert len(ends) == 2
        lattice = nx.grid_2d_graph(6, 8)
        assert any(set(lattice[end]) <= corridor for end in ends)


def graph_of(connections: np.ndarray) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(np.ndindex(connections.shape[1:]))
    graph.add_edges_from(((r, c), (r + 1 - d, c + d)) for d, r, c in np.argwhere(connections))
    return graph
