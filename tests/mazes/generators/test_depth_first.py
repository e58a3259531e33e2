"""Depth-first search: spanning trees, with the exact distribution of the algorithm from a uniform root."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import networkx as nx
import numpy as np
import pytest
from scipy.stats import chisquare

from maze_rl.mazes.generate import generate
from maze_rl.mazes.generators.depth_first import carve_depth_first


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


def fit(counts: dict[int, int], distribution: dict[int, float]) -> float:
    """Return the p-value of `counts` under `distribution`, rare trees taken together."""
    num = sum(counts.values())
    common = [tree for tree, chance in distribution.items() if num * chance >= 10]
    observed = [counts.get(tree, 0) for tree in common]
    expected = [num * distribution[tree] for tree in common]
    rest = num - sum(observed), num - sum(expected)
    if rest[1] > 5:
        observed, expected = [*observed, rest[0]], [*expected, rest[1]]
    total = sum(expected)
    return chisquare(observed, [value * sum(observed) / total for value in expected]).pvalue


@pytest.fixture
def drawn(codes: Callable) -> dict[int, int]:
    trees, counts = np.unique(codes(generate(3, "dfs", num=20_000).batches[0].connections), return_counts=True)
    return dict(zip(trees.tolist(), counts.tolist(), strict=True))


def test_trees_of_3x3_follow_the_exact_distribution(drawn: dict[int, int], code_of_edges: Callable) -> None:
    exact = exact_distribution(3, np.ndindex(3, 3))
    distribution = {code_of_edges(tree, 3, 3): chance for tree, chance in exact.items()}
    assert sum(distribution.values()) == pytest.approx(1)
    assert set(drawn) <= set(distribution)
    assert 1e-4 < fit(drawn, distribution) < 1 - 1e-4


def test_a_biased_root_would_be_noticed(drawn: dict[int, int], code_of_edges: Callable) -> None:
    exact = exact_distribution(3, np.ndindex(2, 2))  # never in the last row or column
    assert fit(drawn, {code_of_edges(tree, 3, 3): chance for tree, chance in exact.items()}) < 1e-9


def test_edges_are_open_equally_often_under_every_symmetry() -> None:
    connections = generate(5, "dfs", num=8000).batches[0].connections
    down, right = connections[:, 0, :-1].mean(axis=0), connections[:, 1, :, :-1].mean(axis=0)
    spread = 5 * np.sqrt(2 * 0.25 / 8000)
    for turned in (down[::-1], down[:, ::-1], right.T, right.T[::-1], right.T[:, ::-1]):
        assert np.abs(down - turned).max() < spread


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 6), (5, 1), (3, 7), (8, 4), (12, 12)])
def test_is_a_spanning_tree_of_any_rectangle(rows: int, cols: int, carve: Callable) -> None:
    for connections in carve(carve_depth_first, 20, rows, cols):
        graph = nx.Graph()
        graph.add_nodes_from(np.ndindex(rows, cols))
        graph.add_edges_from(((r, c), (r + 1 - d, c + d)) for d, r, c in np.argwhere(connections))
        assert graph.number_of_nodes() == rows * cols
        assert nx.is_tree(graph)
