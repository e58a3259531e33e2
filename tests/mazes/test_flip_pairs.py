"""Flip pairs against brute force with networkx: every pair is valid, and every depth a maze offers is found."""

import time
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.mazes.flip_pairs import FlipPairs, concatenate_pairs, find_flip_pairs, verify
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeBatch

Edge = frozenset


def mazes(size: int | tuple, num: int, algorithm: str = "dfs", seed: int = 0) -> MazeBatch:
    return generate([size], algorithm, num, seed).batches[0]


def graph(maze: Maze) -> nx.Graph:
    rows, cols = maze.shape
    cells = [(r, c) for r in range(rows) for c in range(cols)]
    built = nx.Graph()
    built.add_nodes_from(cells)
    built.add_edges_from((cell, other) for cell in cells for other in maze.neighbours(cell))
    return built


def closed_edges(maze: Maze) -> list[tuple]:
    lattice = nx.grid_2d_graph(*maze.shape)
    opened = graph(maze)
    return [edge for edge in lattice.edges if not opened.has_edge(*edge)]


def all_flips(maze: Maze) -> set[tuple]:
    """Every (fork index, removed, added, K) of a maze by trying every swap, judged by the new maze's own path."""
    tree, closed, flips = graph(maze), closed_edges(maze), set()
    path = nx.shortest_path(tree, maze.origin, maze.target)
    away = dict(nx.all_pairs_shortest_path_length(tree))
    for a, b in pairwise(path):
        for x, y in closed:
            changed = tree.copy()
            changed.remove_edge(a, b)
            changed.add_edge(x, y)
            if not nx.has_path(changed, a, b):
                continue
            new = nx.shortest_path(changed, maze.origin, maze.target)
            index = next(i for i in range(len(path)) if path[i + 1 : i + 2] != new[i + 1 : i + 2])
            fork, near = path[index], min((x, y), key=new.index)
            # a flip at a fork: the other way was open before, not the new edge itself
            if tree.has_edge(fork, new[index + 1]):
                depth = min(away[fork][a], away[fork][near])
                flips.add((index, Edge((a, b)), Edge((x, y)), depth))
    return flips


def all_control_depths(maze: Maze, fork: tuple) -> set[int]:
    """The depth of every swap off the path that leaves a tree."""
    tree, closed, depths = graph(maze), closed_edges(maze), set()
    path = nx.shortest_path(tree, maze.origin, maze.target)
    away = nx.single_source_shortest_path_length(tree, fork)
    on_path = {Edge(edge) for edge in pairwise(path)}
    for removed in tree.edges:
        if Edge(removed) in on_path:
            continue
        changed = tree.copy()
        changed.remove_edge(*removed)
        kept = nx.node_connected_component(changed, fork)
        for x, y in closed:
            if (x in kept) != (y in kept):
                depths.add(min(away[removed[0]], away[removed[1]], away[x if x in kept else y]))
    return depths


def ends(edge: np.ndarray) -> Edge:
    direction, row, col = map(int, edge)
    return Edge(((row, col), (row + 1, col) if direction == 0 else (row, col + 1)))


def flip_of(pairs: FlipPairs, row: int) -> tuple:
    edges = ends(pairs.removed[row]), ends(pairs.added[row])
    return int(pairs.fork_index[row]), *edges, int(pairs.depth[row])


@pytest.mark.parametrize(("size", "algorithm"), [(4, "dfs"), (4, "wilson"), ((3, 5), "dfs")])
def test_offers_what_brute_force_offers(size: int | tuple, algorithm: str) -> None:
    batch = mazes(size, 15, algorithm)
    expected = [all_flips(maze) for maze in batch]
    most = max(depth for flips in expected for *_, depth in flips)
    assert most >= 3
    for depth in range(most + 2):
        pairs = find_flip_pairs(batch, depths=(depth, depth))
        offering = [row for row, flips in enumerate(expected) if any(depth == flip[3] for flip in flips)]
        assert pairs.base.tolist() == offering
        assert pairs.num_searched == 15
        assert pairs.found_share == len(pairs) / 15
        for row, base in enumerate(pairs.base):
            assert flip_of(pairs, row) in expected[base]


def test_every_flip_of_a_maze_is_drawn_and_each_depth_as_often() -> None:
    batch = mazes(4, 10, seed=3)
    expected = max((all_flips(maze) for maze in batch), key=len)
    row = next(i for i, maze in enumerate(batch) if len(all_flips(maze)) == len(expected))
    many = batch.take(np.full(6000, row))
    offered, controls = np.unique([flip[3] for flip in expected], return_counts=True)
    assert len(offered) > 3
    for uniform_depth in (True, False):
        pairs = find_flip_pairs(many, depths=(0, 20), uniform_depth=uniform_depth)
        assert {flip_of(pairs, i) for i in range(len(pairs))} == expected
        shares = np.bincount(pairs.depth, minlength=offered.max() + 1)[offered] / len(pairs)
        wanted = np.full(len(offered), 1 / len(offered)) if uniform_depth else controls / len(expected)
        assert np.abs(shares - wanted).max() < 0.03


def test_members_of_a_pair() -> None:
    batch = mazes(5, 60)
    pairs = find_flip_pairs(batch, depths=(1, 30))
    assert len(pairs) > 30
    for row, base in enumerate(pairs.base):
        clean, flipped, control = pairs.clean[row], pairs.flipped[row], pairs.control[row]
        assert clean == batch[int(base)]
        trees = [graph(maze) for maze in (clean, flipped, control)]
        assert all(nx.is_tree(tree) for tree in trees)
        paths = [nx.shortest_path(tree, clean.origin, clean.target) for tree in trees]
        index = int(pairs.fork_index[row])
        fork, right, wrong = (tuple(map(int, cells[row])) for cells in (pairs.forks, pairs.right, pairs.wrong))
        assert paths[0] == paths[2]
        assert paths[0][: index + 2] == [*paths[1][: index + 1], right]
        assert paths[1][index : index + 2] == [fork, wrong]
        options = set(trees[0][fork]) - set(paths[0][index - 1 : index] if index else [])
        assert {right, wrong} <= options
        for tree, removed, added in (
            (trees[1], pairs.removed, pairs.added),
            (trees[2], pairs.control_removed, pairs.control_added),
        ):
            before, after = ({Edge(edge) for edge in one.edges} for one in (trees[0], tree))
            assert before - after == {ends(removed[row])}
            assert after - before == {ends(added[row])}


def test_controls_have_the_depth_nearest_to_that_of_the_flip() -> None:
    pairs = find_flip_pairs(mazes(4, 25), depths=(1, 20))
    for row in range(len(pairs)):
        offered = all_control_depths(pairs.clean[row], tuple(map(int, pairs.forks[row])))
        wanted = int(pairs.depth[row])
        assert int(pairs.control_depth[row]) in offered
        assert abs(int(pairs.control_depth[row]) - wanted) == min(abs(depth - wanted) for depth in offered)
    assert (pairs.control_depth == pairs.depth).mean() > 0.8


def test_even_the_smallest_mazes_have_a_control_for_every_flip() -> None:
    batch = mazes((2, 3), 60)
    pairs = find_flip_pairs(batch, depths=(0, 8))
    assert pairs.base.tolist() == [row for row, maze in enumerate(batch) if all_flips(maze)]


def test_a_pair_depends_on_its_own_stream_alone() -> None:
    batch = mazes(6, 50)
    whole = find_flip_pairs(batch, depths=range(1, 20), seed=5)
    for row in (0, 7, len(whole) - 1):
        base = whole.base[row : row + 1]
        alone = find_flip_pairs(batch.take(base), depths=range(1, 20), seed=5, indices=base)
        assert flip_of(alone, 0) == flip_of(whole, row)
        assert np.array_equal(alone.control_added, whole.control_added[row : row + 1])
    other = find_flip_pairs(batch, depths=range(1, 20), seed=6)
    assert any(flip_of(other, row) != flip_of(whole, row) for row in range(10))
    parts = [np.arange(25), np.arange(25, 50)]
    halves = [find_flip_pairs(batch.take(part), depths=range(1, 20), seed=5, indices=part) for part in parts]
    joined = concatenate_pairs(halves)
    assert [flip_of(joined, row) for row in range(len(joined))] == [flip_of(whole, row) for row in range(len(whole))]
    assert np.array_equal(joined.base, whole.base)
    assert joined.found_share == whole.found_share
    assert np.array_equal(joined.control.connections, whole.control.connections)


@pytest.mark.parametrize(("depth", "share"), [(2, 0.85), (4, 0.63), (8, 0.25)])
def test_availability_in_depth_first_mazes(depth: int, share: float) -> None:
    assert abs(find_flip_pairs(mazes(7, 3000), depths=(depth, 49)).found_share - share) < 0.05


def test_speed() -> None:
    batch = mazes(7, 2000)
    find_flip_pairs(batch.take(slice(10)))
    start = time.perf_counter()
    assert len(find_flip_pairs(batch)) / (time.perf_counter() - start) > 500


def test_refuses_other_mazes_and_no_depths() -> None:
    batch = mazes(4, 3)
    batch.connections[1, 0, 0] = True
    with pytest.raises(ConfigurationError, match="maze 1: flip pairs need a tree"):
        find_flip_pairs(batch)
    for depths in ((3, 2), (-1, 2), range(0)):
        with pytest.raises(ConfigurationError, match="hold no depth"):
            find_flip_pairs(mazes(4, 3), depths=depths)


def test_the_oracle_finds_wrong_pairs() -> None:
    pairs = find_flip_pairs(mazes(5, 20))
    swapped = FlipPairs(**{**vars(pairs), "flipped": pairs.control})
    with pytest.raises(AssertionError, match="another step"):
        verify(swapped)
