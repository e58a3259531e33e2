"""Endpoints: each constraint holds, draws are uniform over what is allowed, and the impossible is said."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from scipy.stats import chisquare

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import MAZES_PER_INDEX, generate, generate_counted, generate_mazes
from maze_rl.mazes.interchange.graph import to_networkx
from maze_rl.mazes.solve import solve


def test_dead_ends() -> None:
    for maze in generate(range(3, 8), "prim", num=200, origin="dead_end"):
        assert len(maze.neighbours(maze.origin)) == 1
    both = generate(5, "braid", num=200, origin="dead_end", target="dead_end", braid=0.3)
    assert all(len(both[i].neighbours(cell)) == 1 for i in range(200) for cell in (both[i].origin, both[i].target))


def test_draws_are_uniform_over_the_pairs_allowed() -> None:
    # 2x3, its corridors only: ends at dead ends means the two ends of a line, either way round
    num = 12_000
    mazes = [m for m in generate([(2, 3)], "wilson", num=num, origin="dead_end", target="dead_end")]
    kinds: dict[tuple, int] = {}
    for maze in mazes:
        ends = tuple(cell for cell in sorted(to_networkx(maze)) if len(maze.neighbours(cell)) == 1)
        if len(ends) == 3:  # six ordered pairs
            key = (ends.index(maze.origin), ends.index(maze.target))
            kinds[key] = kinds.get(key, 0) + 1
    assert len(kinds) == 6
    assert chisquare(list(kinds.values())).pvalue > 1e-4


def test_fixed_and_allowed_cells() -> None:
    fixed = generate((4, 6), num=50, origins=[(0, 0)], targets=[(3, 3)])
    assert {(maze.origin, maze.target) for maze in fixed} == {((0, 0), (3, 3))}
    allowed = [(0, 0), (0, 1), (1, 1)]
    some = generate(4, num=600, origins=allowed, targets=allowed)
    assert {maze.origin for maze in some} == {maze.target for maze in some} == set(allowed)
    assert all(maze.origin != maze.target for maze in some)


@pytest.mark.parametrize("algorithm", ["dfs", "wilson", "dfs_percolation"])
def test_an_exact_length(algorithm: str) -> None:
    mazes = generate((5, 8), algorithm, num=300, path_lengths=((7, 1.0),))
    assert {solution.distance for solution in solve(mazes)} == {7}


def test_lengths_follow_their_distribution_whatever_the_size() -> None:
    num = 6000
    mazes = generate((5, 9), "kruskal", num=num, path_lengths={3: 1, 6: 2, 10: 1})
    lengths = np.array([solution.distance for solution in solve(mazes)])
    sizes = np.array([mazes.batches[position].shape[0] for position in mazes.batch_of])
    for size in (5, 9):
        counts = [(lengths[sizes == size] == length).sum() for length in (3, 6, 10)]
        assert chisquare(counts, np.array([0.25, 0.5, 0.25]) * sum(counts)).pvalue > 1e-4


def test_one_shortest_path_or_several() -> None:
    several = solve(generate(6, "dfs_percolation", num=200, paths="several", percolation=0.2))
    assert all(solution.path_count > 1 for solution in several)
    one = solve(generate(6, "dfs_percolation", num=200, paths="one", percolation=0.2))
    assert all(solution.path_count == 1 for solution in one)


def test_constraints_together_and_in_a_split() -> None:
    mazes = generate(
        (6, 7),
        "percolation",
        num=150,
        percolation=0.6,
        split="test",
        paths="several",
        origin="dead_end",
        min_path_length=5,
        max_path_length=9,
    )
    for solution in solve(mazes):
        assert 5 <= solution.distance <= 9
        assert solution.path_count > 1
        assert len(solution.maze.neighbours(solution.maze.origin)) == 1


def test_a_maze_depends_on_its_index_alone_whatever_is_asked() -> None:
    spec = spec_from_arguments(sizes=((4, 6), 5), algorithm="percolation", path_lengths={2: 1, 7: 1}, split="train")
    whole = list(generate_mazes(spec, np.arange(80), 3))
    assert [generate_mazes(spec, np.array([index]), 3)[0] for index in range(80)] == whole


def test_rectangles_hold_every_pair() -> None:
    batch = generate([(2, 3)], "kruskal", num=9000).batches[0]
    assert batch.shape == (2, 3)
    origins, targets = (cells @ np.array([3, 1]) for cells in (batch.origins, batch.targets))
    counts = np.bincount(origins * 6 + targets, minlength=36).reshape(6, 6)
    assert (np.diag(counts) == 0).all()
    assert chisquare(counts[~np.eye(6, dtype=bool)]).pvalue > 1e-4


def test_attempts_are_counted() -> None:
    free = generate_counted(spec_from_arguments(sizes=(5,)), np.arange(500), 0)[1]
    assert (free.accepted, free.carved, free.outside_split, free.pairs) == (500, 500, 0, 500)
    assert free.acceptance == free.pair_acceptance == 1.0
    # a line of four cells: of 12 ordered pairs 2 are three steps apart
    far = generate_counted(spec_from_arguments(sizes=(2,), min_path_length=3), np.arange(5000), 0)[1]
    assert far.pair_acceptance == pytest.approx(2 / 12, abs=0.01)
    assert far.acceptance > 0.999
    test = generate_counted(spec_from_arguments(sizes=(6,), split="test"), np.arange(500), 0)[1]
    assert test.accepted == 500 == test.carved - test.outside_split
    assert test.accepted / test.carved == pytest.approx(0.05, abs=0.01)


def test_attempts_are_bounded() -> None:
    # a cycle of 2x2, whole or cut once, has no path of three steps between dead ends and several at once
    spec = spec_from_arguments(sizes=(2,), algorithm="braid", origin="dead_end", paths="several")
    with pytest.raises(ConfigurationError, match=f"maze 4: .* several shortest .* in {MAZES_PER_INDEX} attempts"):
        generate_mazes(spec, np.arange(4, 2000), 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sizes": (3,), "path_lengths": {9: 1}}, "path_lengths asks for 9: no path of a 3 x 3 maze"),
        ({"path_lengths": {3: -1}}, "weight -1.0"),
        ({"path_lengths": {3: 1}, "min_path_length": 4}, "outside the path lengths allowed"),
        ({"sizes": (4, 9), "origins": [(5, 5)]}, r"origins: \(5, 5\) lies outside the 4 x 4 grid"),
        ({"origins": []}, "origins: no cell is given"),
        ({"targets": [3]}, "targets is \\[3\\]: expected cells"),
        ({"origin": "corner"}, "unknown place of the origin 'corner'"),
        ({"paths": "two"}, "unknown number of shortest paths 'two'"),
    ],
)
def test_what_cannot_be_is_said_at_once(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec_from_arguments(**settings)


def test_the_largest_component_is_found() -> None:
    for maze in generate([(3, 8)], "percolation", num=200, percolation=0.5, origin="dead_end"):
        graph = to_networkx(maze)
        assert len(nx.node_connected_component(graph, maze.origin)) == max(map(len, nx.connected_components(graph)))
        assert all(b in graph[a] for a, b in pairwise(nx.shortest_path(graph, maze.origin, maze.target)))
