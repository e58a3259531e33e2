"""Splits: one hash for all eight images of a maze, another for every other maze, shares as promised."""

from collections.abc import Callable, Iterable
from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from maze_rl.configs.mazes import SPLITS
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeBatch, trusted_batch
from maze_rl.mazes.splits import BUCKETS, NUM_BUCKETS, bucket_of, count_outside, maze_hashes

Edge = frozenset


def edges_of(connections: np.ndarray) -> list[Edge]:
    """Return the open edges of one maze as pairs of cells."""
    return [Edge([(r, c), (r + 1 - d, c + d)]) for d, r, c in np.argwhere(connections).tolist()]


def from_edges(edges: Iterable[Edge], rows: int, cols: int) -> np.ndarray:
    connections = np.zeros((2, rows, cols), np.bool_)
    for edge in edges:
        (row, col), (next_row, _) = sorted(edge)
        connections[0 if next_row > row else 1, row, col] = True
    return connections


def images(connections: np.ndarray) -> list[np.ndarray]:
    """Return the eight images of one maze, made cell by cell: rotate four times, with and without a mirror."""
    _, rows, cols = connections.shape
    edges, found = edges_of(connections), []
    for _ in range(4):
        edges = [Edge((col, rows - 1 - row) for row, col in edge) for edge in edges]  # a quarter turn
        rows, cols = cols, rows
        found.append(from_edges(edges, rows, cols))
        found.append(from_edges([Edge((row, cols - 1 - col) for row, col in edge) for edge in edges], rows, cols))
    return found


def hash_of(connections: np.ndarray) -> int:
    ends = np.zeros((1, 2), np.int16)
    return int(maze_hashes(MazeBatch(connections[None], ends, ends))[0])


@pytest.mark.parametrize(("rows", "cols"), [(5, 5), (4, 4), (3, 6), (7, 2), (1, 5)])
def test_all_eight_images_have_one_hash(rows: int, cols: int, random_graphs: Callable) -> None:
    for maze in random_graphs(20, rows, cols, 0.5):
        assert {hash_of(image) for image in images(maze.connections)} == {hash_of(maze.connections)}


def test_endpoints_do_not_matter() -> None:
    batch = generate(6, num=100).batches[0]
    swapped = trusted_batch(batch.connections, batch.targets, batch.origins)
    assert (maze_hashes(batch) == maze_hashes(swapped)).all()


def test_the_192_trees_of_3x3_fall_apart_exactly_by_symmetry() -> None:
    grid = nx.grid_2d_graph(3, 3)
    trees = [t for t in combinations(grid.edges, 8) if len(nx.Graph(t)) == 9 and nx.is_connected(nx.Graph(t))]
    mazes = [from_edges(map(Edge, tree), 3, 3) for tree in trees]
    assert len(mazes) == 192
    classes = [frozenset(image.tobytes() for image in images(maze)) for maze in mazes]
    hashes = [hash_of(maze) for maze in mazes]
    assert len(set(classes)) == len(set(hashes)) == 28
    assert len(set(zip(classes, hashes, strict=True))) == 28


def test_different_mazes_have_different_hashes() -> None:
    mazes = [maze.connections for maze in generate(6, "wilson", num=3000)]
    classes = {min(image.tobytes() for image in images(maze)) for maze in mazes[:500]}
    assert len({hash_of(maze) for maze in mazes[:500]}) == len(classes)
    flipped = mazes[0].copy()
    flipped[0, 0, 0] ^= True
    assert hash_of(flipped) != hash_of(mazes[0])


def test_the_same_edges_on_another_canvas_are_another_maze() -> None:
    small = np.zeros((2, 3, 3), np.bool_)
    small[1, 0, 0] = True
    large = np.zeros((2, 4, 4), np.bool_)
    large[1, 0, 0] = True
    assert hash_of(small) != hash_of(large)


def test_hashes_are_the_same_on_every_machine() -> None:
    worked = np.array([[[1, 0, 1], [1, 1, 0], [0, 0, 0]], [[1, 1, 0], [0, 0, 0], [1, 1, 0]]], np.bool_)
    assert hash_of(worked) == 7763470610599507833


def test_buckets_are_split_90_5_5_and_none_is_left_out() -> None:
    assert sorted(bucket for first, last in BUCKETS.values() for bucket in range(first, last)) == list(
        range(NUM_BUCKETS)
    )
    assert tuple(BUCKETS) == SPLITS
    batch = generate(7, num=20_000).batches[0]
    share = {split: 1 - count_outside(batch, split) / 20_000 for split in SPLITS}
    assert sum(share.values()) == pytest.approx(1)
    for split, expected in (("train", 0.9), ("validation", 0.05), ("test", 0.05)):
        assert abs(share[split] - expected) < 4 * np.sqrt(expected * (1 - expected) / 20_000)


def test_buckets_are_used_evenly() -> None:
    counts = np.bincount(bucket_of(maze_hashes(generate(7, num=20_000).batches[0])), minlength=NUM_BUCKETS)
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_asking_for_a_split_changes_nothing_about_its_members() -> None:
    """The mazes of a split are ordinary mazes: the same share of dead ends as without asking."""
    dead_ends = []
    for split in (None, "test"):
        connections = generate(6, num=4000, split=split, seed=2).batches[0].connections.astype(int)
        degree = connections.sum(axis=1)
        degree[:, 1:] += connections[:, 0, :-1]
        degree[:, :, 1:] += connections[:, 1, :, :-1]
        dead_ends.append((degree == 1).sum(axis=(1, 2)))
    difference = dead_ends[0].mean() - dead_ends[1].mean()
    assert abs(difference) < 4 * np.sqrt(2 * dead_ends[0].var() / 4000)
