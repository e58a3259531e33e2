"""Mazes that occurred before: as they are, turned and mirrored, with other endpoints."""

from itertools import product

import numpy as np
import pytest

from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeCollection, collect
from maze_rl.mazes.splits import maze_hashes


def image(maze: Maze, flip_rows: bool, flip_cols: bool, transpose: bool) -> Maze:
    """Return a rotated or reflected maze, edge by edge: slow, and independent of the library's way."""
    rows, cols = maze.shape

    def moved(cell: tuple[int, int]) -> tuple[int, int]:
        row, col = (rows - 1 - cell[0] if flip_rows else cell[0]), (cols - 1 - cell[1] if flip_cols else cell[1])
        return (col, row) if transpose else (row, col)

    connections = np.zeros((2, cols, rows) if transpose else (2, rows, cols), np.bool_)
    for way, row, col in np.argwhere(maze.connections).tolist():
        ends = sorted([moved((row, col)), moved((row + (way == 0), col + (way == 1)))])
        connections[(0 if ends[1][0] > ends[0][0] else 1, *ends[0])] = True
    return Maze(connections, moved(maze.origin), moved(maze.target))


SYMMETRIES = list(product((False, True), repeat=3))


def test_each_maze_is_kept_once_where_it_stood_first() -> None:
    mazes = generate([2, (2, 3)], num=200)
    seen, expected = set(), []
    for maze in mazes:
        expected += [] if maze in seen else [maze]
        seen.add(maze)
    assert 5 < len(expected) < 200
    assert mazes.unique() == expected
    assert mazes.duplicated().sum() == 200 - len(expected)
    assert mazes[~mazes.duplicated()] == expected
    assert mazes.unique().unique() == mazes.unique()


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (1, 6), (2, 2)])
@pytest.mark.parametrize("endpoints", [True, False])
def test_all_images_of_a_maze_are_one_up_to_symmetry(shape: tuple[int, int], endpoints: bool) -> None:
    if shape == (1, 6):
        mazes = collect([Maze(np.array([[[0] * 6], [[1] * 5 + [0]]], np.bool_), (0, 1), (0, 5))])
    else:
        mazes = generate([shape], "dfs_percolation", num=6, percolation=0.3).unique(symmetry=True, endpoints=endpoints)
    images = [[image(maze, *symmetry) for symmetry in SYMMETRIES] for maze in mazes]
    every = collect([one for of_maze in images for one in of_maze])
    assert every.unique(symmetry=True, endpoints=endpoints) == mazes
    # any image stands for its maze, whichever comes first
    order = np.random.default_rng(1).permutation(len(every))
    kept = every[order].unique(symmetry=True, endpoints=endpoints)
    assert len(kept) == len(mazes)
    assert {next(n for n, of_maze in enumerate(images) if one in of_maze) for one in kept} == set(range(len(mazes)))


def test_endpoints_move_along_with_the_walls() -> None:
    maze = generate(5, num=1)[0]
    other = Maze(
        maze.connections, maze.origin, next(c for c in np.ndindex(5, 5) if c not in (maze.origin, maze.target))
    )
    turned, both = image(other, True, False, True), [True, False]
    pair = collect([maze, turned])
    assert [len(pair.unique(symmetry=s, endpoints=e)) for s in both for e in both] == [2, 1, 2, 2]
    assert len(collect([maze, other]).unique(endpoints=False)) == 1
    assert len(collect([maze, other]).unique()) == 2


def test_walls_up_to_symmetry_are_layouts() -> None:
    mazes = generate([3, 4], num=400)
    layouts = np.concatenate([maze_hashes(batch) for batch in mazes.batches])
    assert len(mazes.unique(symmetry=True, endpoints=False)) == len(np.unique(layouts)) < 400


def test_shapes_are_told_apart() -> None:
    wide, high = generate([(2, 3)], num=20), generate([(3, 2)], num=20)
    both = MazeCollection.concatenate([wide, high])
    assert len(both.unique()) == len(wide.unique()) + len(high.unique())
    assert len(both.unique(symmetry=True)) < len(wide.unique(symmetry=True)) + len(high.unique(symmetry=True))
    tall = collect([image(maze, False, False, True) for maze in wide])
    assert len(MazeCollection.concatenate([wide, tall]).unique(symmetry=True)) == len(wide.unique(symmetry=True))


def test_many_mazes_go_through_in_parts() -> None:
    mazes = generate(3, num=9000)
    assert mazes[np.arange(18_000) % 9000].unique() == mazes.unique()
