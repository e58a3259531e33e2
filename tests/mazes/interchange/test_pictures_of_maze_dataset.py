"""Text and pixels against maze-dataset itself, where it is installed (extra `peers`); both ways."""

import warnings

import numpy as np
import pytest

from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.ascii import draw_ascii, from_ascii, path_of_ascii
from maze_rl.mazes.interchange.pixels import from_pixels, path_of_pixels, to_pixels
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.solve import solve

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about an optional package when imported
    peer = pytest.importorskip("maze_dataset", exc_type=ImportError)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def solved() -> list[tuple[Maze, list[Cell]]]:
    mazes = generate([2, 3, 5, 8], "dfs_percolation", num=40, seed=4, percolation=0.2)
    solutions = solve(mazes)
    return [(maze, solutions[index].path) for index, maze in enumerate(mazes)]


def test_drawings_are_theirs_with_and_without_a_path(solved: list) -> None:
    for maze, path in solved:
        theirs = peer.SolvedMaze(connection_list=maze.connections, solution=np.array(path))
        targeted = peer.TargetedLatticeMaze(
            connection_list=maze.connections, start_pos=np.array(maze.origin), end_pos=np.array(maze.target)
        )
        assert (draw_ascii(maze, path), draw_ascii(maze)) == (theirs.as_ascii(), targeted.as_ascii())
        assert np.array_equal(to_pixels(maze, path), theirs.as_pixels())
        assert np.array_equal(to_pixels(maze), targeted.as_pixels())


def test_theirs_are_read(solved: list) -> None:
    for maze, path in solved:
        theirs = peer.SolvedMaze(connection_list=maze.connections, solution=np.array(path))
        text, picture = theirs.as_ascii(), theirs.as_pixels()
        assert (from_ascii(text), path_of_ascii(text)) == (maze, path)
        assert (from_pixels(picture), path_of_pixels(picture)) == (maze, path)


def test_ours_are_read_by_them(solved: list) -> None:
    for maze, path in solved:
        for back in (
            peer.SolvedMaze.from_ascii(draw_ascii(maze, path)),
            peer.SolvedMaze.from_pixels(to_pixels(maze, path)),
        ):
            assert np.array_equal(back.connection_list, maze.connections)
            assert [tuple(cell) for cell in back.solution.tolist()] == path
