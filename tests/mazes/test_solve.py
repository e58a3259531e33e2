"""The solver against networkx on every generator, and shortest paths drawn evenly."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import comb

import networkx as nx
import numpy as np
import pytest
from scipy.stats import chisquare

from maze_rl.configs.algorithms import ALGORITHMS
from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.graph import to_networkx
from maze_rl.mazes.lattice import Maze, MazeBatch, MazeCollection
from maze_rl.mazes.solve import Solution, solve, solve_batch


def assert_right(solution: Solution, path_count: int) -> None:
    """Compare the distances, the path and the number of paths of one maze with networkx."""
    maze, graph = solution.maze, to_networkx(solution.maze)
    distances = nx.single_source_shortest_path_length(graph, maze.target)
    expected = np.array([distances.get(cell, -1) for cell in np.ndindex(maze.shape)]).reshape(maze.shape)
    np.testing.assert_array_equal(solution.distances, expected)
    assert solution.distance == distances[maze.origin] == len(solution.path) - 1
    assert solution.path[0] == maze.origin
    assert solution.path[-1] == maze.target
    assert all(graph.has_edge(*step) for step in pairwise(solution.path))
    assert path_count == sum(1 for _ in nx.all_shortest_paths(graph, maze.origin, maze.target))


def assert_moves_right(solution: Solution, path_count: int) -> None:
    """Compare the optimal moves at every cell of one maze with networkx, and the two ways of counting paths."""
    graph = to_networkx(solution.maze)
    distances = nx.single_source_shortest_path_length(graph, solution.maze.target)
    assert solution.path_count == path_count
    for cell in distances:
        nearer = {other for other in graph[cell] if distances[other] < distances[cell]}
        assert set(solution.optimal_next(cell)) == nearer
        assert len(solution.optimal_next(cell)) == len(nearer)


@pytest.mark.parametrize(
    ("algorithm", "options", "num"),
    [
        *((name, {}, 300) for name in ALGORITHMS),
        ("dfs_percolation", {"percolation": 0.4}, 500),
        ("percolation", {"percolation": 0.7}, 300),
        ("braid", {"braid": 1.0}, 300),
    ],
)
def test_generated_mazes_against_networkx(algorithm: str, options: dict, num: int) -> None:
    solutions = solve(generate([*range(2, 10), (4, 9)], algorithm, num=num, seed=11, **options))
    several = 0
    for batch in solutions.batches:
        assert len(batch) > 0
        for index, path_count in enumerate(batch.path_counts):
            assert_right(batch[index], path_count)
            if index < 10:
                assert_moves_right(batch[index], path_count)
            several += path_count > 1
    has_cycles = algorithm in ("percolation", "dfs_percolation", "braid")
    assert several > 0.02 * num if has_cycles else several == 0


@pytest.mark.parametrize(("rows", "cols", "openness"), [(3, 7, 0.5), (8, 4, 0.6), (1, 9, 0.9), (6, 6, 0.75)])
def test_graphs_with_unreachable_cells_against_networkx(
    rows: int, cols: int, openness: float, random_graphs: Callable
) -> None:
    solved = solve_batch(random_graphs(100, rows, cols, openness, seed=rows))
    for index, path_count in enumerate(solved.path_counts):
        assert_right(solved[index], path_count)
        if index < 15:
            assert_moves_right(solved[index], path_count)
    assert (solved.distances == -1).any()


def test_a_path_of_a_batch_ends_in_minus_one() -> None:
    solved = solve_batch(generate(6, num=50).batches[0])
    beyond = np.arange(solved.paths.shape[1]) > solved.lengths[:, None]
    assert (solved.paths[beyond] == -1).all()
    assert (solved.paths[~beyond] >= 0).all()
    assert solved.paths.shape[1] == solved.lengths.max() + 1


def test_origin_on_target() -> None:
    maze = Maze(np.zeros((2, 2, 2), np.bool_), (1, 0), (1, 0))
    solution = solve(maze)
    assert (solution.path, solution.path_count, solution.distance) == ([(1, 0)], 1, 0)
    assert solution.optimal_next((1, 0)) == []


@pytest.mark.parametrize("cell", [(0, 0), (2, 0), (0, -1)])
def test_a_cell_without_a_way_to_the_target_is_refused(cell: tuple[int, int]) -> None:
    maze = Maze(np.zeros((2, 2, 2), np.bool_), (1, 0), (1, 0))
    told = r"has no way to the target: give a cell of the 2 x 2 grid that does|lies outside the 2 x 2 grid"
    with pytest.raises(MazeRLError, match=told):
        solve(maze).optimal_next(cell)


@pytest.mark.parametrize(("rows", "cols", "num_paths"), [(3, 3, 6), (2, 4, 4), (3, 4, 10), (4, 4, 20)])
def test_shortest_paths_are_drawn_evenly(rows: int, cols: int, num_paths: int, open_grids: Callable) -> None:
    # Choosing evenly among optimal moves instead would give (0,0) (0,1) (0,2) ... twice its share.
    solved = solve_batch(open_grids(200 * num_paths, rows, cols))
    counts = Counter(path.tobytes() for path in solved.paths)
    assert len(counts) == num_paths
    assert chisquare(list(counts.values())).pvalue > 1e-4


def test_seeds_draw_evenly_too(open_grids: Callable) -> None:
    maze = open_grids(1, 3, 3)[0]
    counts = Counter(tuple(solve(maze, seed).path) for seed in range(900))
    assert len(counts) == 6
    assert chisquare(list(counts.values())).pvalue > 1e-4


def test_a_path_depends_on_maze_seed_and_index_alone(open_grids: Callable) -> None:
    batch = open_grids(40, 5, 5)
    whole = solve_batch(batch, seed=3)
    parts = [solve_batch(batch.take(np.array([row])), 3, np.array([row])).paths[0] for row in range(40)]
    np.testing.assert_array_equal(whole.paths, np.stack(parts))
    assert (solve_batch(batch, seed=4).paths != whole.paths).any()


def test_a_collection_draws_by_its_own_order(open_grids: Callable) -> None:
    small, large = open_grids(20, 4, 4), open_grids(20, 5, 5)
    mixed = MazeCollection((small, large), np.arange(40) % 2, np.arange(40) // 2)
    solved = solve(mixed, seed=1)
    for index in (0, 1, 17, 38, 39):
        alone = solve_batch(mixed[index].as_batch(), 1, np.array([index]))
        assert solved[index].path == alone[0].path


@pytest.mark.parametrize(("size", "count"), [(33, comb(64, 32)), (34, comb(66, 33)), (40, comb(78, 39))])
def test_counts_of_large_open_grids_are_exact(size: int, count: int, open_grids: Callable) -> None:
    solved = solve_batch(open_grids(1, size, size))
    assert solved.path_counts == [count]
    assert solved[0].path_count == count


def test_paths_are_drawn_evenly_where_counts_pass_64_bits(open_grids: Callable) -> None:
    # 2.7e22 paths. After 39 steps a uniform one stands in row k with chance C(39, k)^2 / C(78, 39); choosing evenly
    # among optimal moves would spread the rows with twice that variance.
    solved = solve_batch(open_grids(3000, 40, 40))
    assert (np.abs(np.diff(solved.paths.astype(int), axis=1)).sum(axis=2) == 1).all()
    rows = np.bincount(solved.paths[:, 39, 0], minlength=40)
    expected = np.array([3000 * comb(39, row) ** 2 / comb(78, 39) for row in range(40)])
    common = expected > 5
    observed = [*rows[common], rows[~common].sum()]
    assert chisquare(observed, [*expected[common], expected[~common].sum()]).pvalue > 1e-4


def test_a_chain_of_squares_doubles_the_count_at_each() -> None:
    num = 70
    connections = np.zeros((2, num + 1, num + 1), np.bool_)
    for corner in range(num):
        connections[0, corner, corner : corner + 2] = True
        connections[1, corner : corner + 2, corner] = True
    batch = Maze(connections, (0, 0), (num, num)).as_batch()
    solved = solve_batch(
        MazeBatch(*(np.repeat(a, 40, axis=0) for a in (batch.connections, batch.origins, batch.targets)))
    )
    assert solved.path_counts == [2**70] * 40
    downward = solved.paths[:, 1::2, 0] > solved.paths[:, :-1:2, 0]  # the first step of each square
    assert abs(downward.mean() - 0.5) < 4 * 0.5 / np.sqrt(downward.size)
    assert solve_batch(batch).lengths.tolist() == [2 * num]


def test_a_cell_may_be_a_list_or_an_array() -> None:
    solved = solve_batch(generate(5, "dfs_percolation", num=3).batches[0])
    for solution, path in zip(solved, solved.paths, strict=True):
        expected = solution.optimal_next(solution.maze.origin)
        assert solution.optimal_next(list(solution.maze.origin)) == expected
        assert solution.optimal_next(path[0]) == expected


def test_paths_of_one_large_maze_are_counted_by_compiled_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count in Python's integers is for numbers beyond 2^62 alone: it takes a minute for a million cells."""
    counted: list[Maze] = []
    monkeypatch.setattr("maze_rl.mazes.solve.count_paths", lambda maze, distances: counted.append(maze) or 0)
    assert solve(generate(200, "kruskal", num=1)[0]).path_count == 1
    assert not counted
    open_hall = generate(40, "percolation", num=1, percolation=1.0, origins=(0, 0), targets=(39, 39))[0]
    assert solve(open_hall).path_count == 0
    assert counted == [open_hall]
