"""Marks of a maze, against hand-made mazes and networkx."""

from itertools import pairwise

import networkx as nx
import numpy as np

from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.graph import to_networkx
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.marks import cell_degrees, marks_of, optimal_cells, optimal_steps
from maze_rl.mazes.solve import Solution, solve


def solved(maze: Maze) -> Solution:
    solution = solve(maze)
    assert isinstance(solution, Solution)
    return solution


def test_cells_on_some_shortest_path_are_those_of_networkx() -> None:
    for maze in generate([3, 6, 8], "dfs_percolation", num=30, seed=2, percolation=0.4):
        graph = to_networkx(maze)
        paths = list(nx.all_shortest_paths(graph, maze.origin, maze.target))
        solution = solved(maze)
        optimal = optimal_cells(solution)
        assert {tuple(cell) for cell in np.argwhere(optimal).tolist()} == {cell for path in paths for cell in path}
        down, right = optimal_steps(maze, optimal)
        steps = {frozenset(step) for path in paths for step in pairwise(path)}
        found = {frozenset(((r, c), (r + 1, c))) for r, c in np.argwhere(down).tolist()}
        found |= {frozenset(((r, c), (r, c + 1))) for r, c in np.argwhere(right).tolist()}
        assert found == steps


def test_degrees_are_those_of_networkx() -> None:
    for maze in generate([2, 7], "dfs_percolation", num=10, seed=1):
        degrees = cell_degrees(maze)
        assert {tuple(cell): int(degrees[cell]) for cell in np.ndindex(maze.shape)} == dict(to_networkx(maze).degree)


def test_forks_and_dead_ends_leave_the_endpoints_out() -> None:
    # one row of three cells over one of three: a comb with its back on top
    connections = np.zeros((2, 2, 3), np.bool_)
    connections[1, 0, :2] = True
    connections[0, 0, :] = True
    marks = marks_of(solved(Maze(connections, (1, 0), (1, 2))), ("forks", "dead_ends"))
    assert marks.forks is not None and marks.dead_ends is not None
    assert np.argwhere(marks.forks).tolist() == [[0, 1]]
    assert np.argwhere(marks.dead_ends).tolist() == [[1, 1]]
    assert marks.distances is None and marks.optimal is None and not marks.solution
