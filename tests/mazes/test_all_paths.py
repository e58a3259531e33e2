"""All shortest paths of a maze, one at a time, against networkx."""

from collections.abc import Callable
from itertools import islice, pairwise

import networkx as nx
import pytest

from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.graph import to_networkx
from maze_rl.mazes.solve import Solution, solve

DOWN_RIGHT_UP_LEFT = [(1, 0), (0, 1), (-1, 0), (0, -1)]


def moves(path: list[tuple[int, int]]) -> list[int]:
    return [DOWN_RIGHT_UP_LEFT.index((after[0] - row, after[1] - col)) for (row, col), after in pairwise(path)]


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [("dfs", {}), ("dfs_percolation", {"percolation": 0.4}), ("percolation", {"percolation": 0.7}), ("braid", {})],
)
def test_they_are_those_of_networkx_in_the_order_promised(algorithm: str, options: dict) -> None:
    for solution in solve(generate([3, 5, 6, (4, 7)], algorithm, num=80, seed=5, **options)):
        maze = solution.maze
        found = list(solution.paths())
        expected = nx.all_shortest_paths(to_networkx(maze), maze.origin, maze.target)
        assert sorted(found) == sorted(expected)
        assert len(found) == solution.path_count
        assert solution.path in found
        assert found == sorted(found, key=moves)


def test_every_start_gives_them_anew_and_none_shares_memory() -> None:
    solution = next(one for one in solve(generate(5, "percolation", num=50, percolation=0.9)) if one.path_count > 3)
    first = list(solution.paths())
    first[0].clear()
    assert first[1:] == list(solution.paths())[1:]
    assert next(solution.paths()) != []


def test_a_maze_without_a_step_to_walk_has_one_path(open_grids: Callable) -> None:
    solution = solve(open_grids(1, 3, 3, target=(0, 0)))[0]
    assert list(solution.paths()) == [[(0, 0)]]


def test_more_than_can_be_listed_are_begun_at_once(open_grids: Callable) -> None:
    solution: Solution = solve(open_grids(1, 70, 70, target=(69, 69)))[0]
    assert solution.path_count > 10**40
    first = list(islice(solution.paths(), 1000))
    assert len({tuple(path) for path in first}) == 1000
    assert all(len(path) == 139 and path[-1] == (69, 69) for path in first)
    assert first[0] == [*((row, 0) for row in range(70)), *((69, col) for col in range(1, 70))]
