"""Marked drawings for terminals, against drawings made by hand."""

import re

import numpy as np
import pytest

from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.marked_drawing import draw_marked, legend, side_by_side
from maze_rl.mazes.pictures.marks import Marks, marks_of
from maze_rl.mazes.solve import Solution, solve


@pytest.fixture
def ring() -> Solution:
    """A closed ring of 2 x 2 cells with a tail to the right: two shortest paths from (0, 0) to (1, 1)."""
    connections = np.zeros((2, 2, 3), np.bool_)
    connections[0, 0, :2] = True
    connections[1, :, 0] = True
    connections[1, 1, 1] = True
    solution = solve(Maze(connections, (0, 0), (1, 1)))
    assert isinstance(solution, Solution)
    return solution


def test_all_paths_and_dead_ends(ring: Solution) -> None:
    marks = marks_of(ring, ("all_paths", "dead_ends"))
    assert draw_marked(ring.maze, marks) == "\n".join(
        [
            "┌───────┬───┐",
            "│ S ∘ ∘ │   │",
            "│ ∘   ∘ └───┤",
            "│ ∘ ∘ E   × │",
            "└───────────┘",
        ]
    )
    assert legend(marks) == "∘ on some shortest path   × dead end"


def test_distances_and_cells_without_a_way(ring: Solution) -> None:
    assert draw_marked(ring.maze, marks_of(ring, ("distances",))) == "\n".join(
        [
            "┌───────┬───┐",
            "│ S   1 │ - │",
            "│       └───┤",
            "│ 1   E   1 │",
            "└───────────┘",
        ]
    )


def test_long_distances_widen_the_cells() -> None:
    columns = 1200
    connections = np.zeros((2, 1, columns), np.bool_)
    connections[1, 0, :-1] = True
    solution = solve(Maze(connections, (0, 0), (0, columns - 1)))
    assert isinstance(solution, Solution)
    drawn = draw_marked(solution.maze, marks_of(solution, ("distances",)))
    assert drawn.split("\n")[1].strip("│").split() == ["S", *map(str, range(columns - 2, 0, -1)), "E"]
    assert len({len(line) for line in drawn.split("\n")}) == 1


def test_no_mark_leaves_the_cells_empty(ring: Solution) -> None:
    assert set(draw_marked(ring.maze, Marks())) == set("┌─┬┐│ SE┤└┘\n")
    assert legend(Marks()) == ""


@pytest.mark.parametrize("names", [("solution",), ("distances", "solution", "forks"), ("all_paths", "dead_ends")])
def test_colours_change_no_character(names: tuple[str, ...]) -> None:
    for maze in generate([3, 8], "dfs_percolation", num=4):
        solution = solve(maze)
        assert isinstance(solution, Solution)
        marks = marks_of(solution, names)
        coloured = draw_marked(maze, marks, colour=True)
        assert "\033[" in coloured
        assert re.sub(r"\033\[[\d;]*m", "", coloured) == draw_marked(maze, marks)


def test_side_by_side_fits_the_width() -> None:
    blocks = ["aaa\naaa", "\033[1mbbb\033[0m\nb", "ccc"]
    assert side_by_side(blocks, 9) == "aaa   \033[1mbbb\033[0m\naaa   b\n\nccc"
    assert side_by_side(blocks, 2) == "aaa\naaa\n\n\033[1mbbb\033[0m\nb\n\nccc"
