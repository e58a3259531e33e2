"""Generators whose law over trees is known: each against an exact one, computed here by following every choice."""

from collections import defaultdict
from collections.abc import Callable
from itertools import combinations, permutations

import networkx as nx
import numpy as np
import pytest

from maze_rl.mazes.generators.aldous_broder import aldous_broder
from maze_rl.mazes.generators.hunt_and_kill import hunt_and_kill
from maze_rl.mazes.generators.kruskal import kruskal
from maze_rl.mazes.generators.prim import prim
from maze_rl.mazes.generators.recursive_division import recursive_division
from maze_rl.mazes.generators.wilson import wilson

Law = dict[frozenset, float]
NUM = 20_000


def edges_of(graph: nx.Graph) -> list[frozenset]:
    return [frozenset(edge) for edge in graph.edges]


def uniform_law(rows: int, cols: int) -> Law:
    """Every spanning tree equally likely, found by brute force."""
    grid = nx.grid_2d_graph(rows, cols)
    candidates = (nx.Graph(list(edges)) for edges in combinations(grid.edges, rows * cols - 1))
    trees = [frozenset(edges_of(tree)) for tree in candidates if len(tree) == rows * cols and nx.is_connected(tree)]
    return dict.fromkeys(trees, 1 / len(trees))


def kruskal_law(rows: int, cols: int) -> Law:
    """Every order of the edges equally likely."""
    law: Law = defaultdict(float)
    orders = list(permutations(edges_of(nx.grid_2d_graph(rows, cols))))
    for order in orders:
        forest = nx.utils.UnionFind()
        tree = []
        for edge in order:
            first, second = edge
            if forest[first] != forest[second]:
                forest.union(first, second)
                tree.append(edge)
        law[frozenset(tree)] += 1 / len(orders)
    return dict(law)


def follow(start: dict[tuple, float], step: Callable[[tuple], list[tuple] | None]) -> Law:
    """Follow a process over (state, edges) until no state goes on; the outcomes of a step are equally likely."""
    law: Law = defaultdict(float)
    states = dict(start)
    while states:
        following: dict[tuple, float] = defaultdict(float)
        for state, chance in states.items():
            outcomes = step(state)
            if outcomes is None:
                law[state[-1]] += chance
                continue
            for outcome in outcomes:
                following[outcome] += chance / len(outcomes)
        states = following
    return dict(law)


def prim_law(rows: int, cols: int) -> Law:
    grid = nx.grid_2d_graph(rows, cols)

    def grow(state: tuple) -> list[tuple] | None:
        cells, edges = state
        frontier = [(cell, other) for cell in cells for other in grid[cell] if other not in cells]
        return [(cells | {new}, edges | {frozenset((old, new))}) for old, new in frontier] or None

    return follow({(frozenset([cell]), frozenset()): 1 / len(grid) for cell in grid}, grow)


def hunt_and_kill_law(rows: int, cols: int) -> Law:
    grid = nx.grid_2d_graph(rows, cols)

    def walk(state: tuple) -> list[tuple] | None:
        cell, visited, edges = state
        free = [other for other in grid[cell] if other not in visited]
        if free:
            return [(new, visited | {new}, edges | {frozenset((cell, new))}) for new in free]
        hunted = [c for c in sorted(grid) if c not in visited and any(other in visited for other in grid[c])]
        if not hunted:
            return None
        new = hunted[0]
        beside = [other for other in grid[new] if other in visited]
        return [(new, visited | {new}, edges | {frozenset((new, old))}) for old in beside]

    return follow({(cell, frozenset([cell]), frozenset()): 1 / len(grid) for cell in grid}, walk)


def division_law(rows: int, cols: int) -> Law:
    def divide(top: int, left: int, height: int, width: int) -> list[tuple[frozenset, float]]:
        """Return (walls, chance) of a hall."""
        if height < 2 or width < 2:
            return [(frozenset(), 1.0)]
        ways = [True, False] if height == width else [height > width]
        found: dict[frozenset, float] = defaultdict(float)
        for flat in ways:
            places, gaps = (height - 1, width) if flat else (width - 1, height)
            for place in range(1, places + 1):
                halls = (
                    [(top, left, place, width), (top + place, left, height - place, width)]
                    if flat
                    else [(top, left, height, place), (top, left + place, height, width - place)]
                )
                inner = [(a | b, p * q) for a, p in divide(*halls[0]) for b, q in divide(*halls[1])]
                for gap in range(gaps):
                    wall = frozenset(
                        frozenset(((top + place - 1, left + at), (top + place, left + at)))
                        if flat
                        else frozenset(((top + at, left + place - 1), (top + at, left + place)))
                        for at in range(gaps)
                        if at != gap
                    )
                    for walls, chance in inner:
                        found[walls | wall] += chance / (len(ways) * places * gaps)
        return list(found.items())

    lattice = frozenset(edges_of(nx.grid_2d_graph(rows, cols)))
    law: Law = defaultdict(float)
    for walls, chance in divide(0, 0, rows, cols):
        law[lattice - walls] += chance
    return dict(law)


@pytest.mark.parametrize("generator", [wilson, aldous_broder], ids=lambda generator: generator.__name__)
def test_all_192_trees_of_3x3_are_equally_likely(generator: Callable, carve: Callable, fit: Callable) -> None:
    law = uniform_law(3, 3)
    assert len(law) == 192
    drawn = carve(generator, NUM, 3, 3)
    assert len(np.unique(drawn.reshape(NUM, -1), axis=0)) == 192
    # the seed is fixed: this fails for a bias, not by chance; too even would be as wrong as too uneven
    assert 1e-4 < fit(drawn, law) < 1 - 1e-4


@pytest.mark.parametrize(
    ("generator", "law", "shape"),
    [
        (wilson, uniform_law, (2, 3)),
        (aldous_broder, uniform_law, (3, 2)),
        (kruskal, kruskal_law, (2, 3)),
        (prim, prim_law, (2, 4)),
        (prim, prim_law, (3, 3)),
        (hunt_and_kill, hunt_and_kill_law, (3, 3)),
        (hunt_and_kill, hunt_and_kill_law, (2, 4)),
        (recursive_division, division_law, (3, 3)),
        (recursive_division, division_law, (3, 4)),
    ],
)
def test_follows_its_exact_law(
    generator: Callable, law: Callable, shape: tuple[int, int], carve: Callable, fit: Callable
) -> None:
    assert 1e-4 < fit(carve(generator, NUM, *shape), law(*shape)) < 1 - 1e-4


def test_one_law_is_told_from_another(carve: Callable, fit: Callable) -> None:
    assert fit(carve(kruskal, NUM, 2, 3), uniform_law(2, 3)) < 1e-9
    assert fit(carve(prim, NUM, 2, 3), kruskal_law(2, 3)) < 1e-9
    assert fit(carve(wilson, NUM, 3, 3), division_law(3, 3)) == -1
