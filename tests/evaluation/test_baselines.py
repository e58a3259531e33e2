import numpy as np
import pytest

from maze_rl.evaluation.baselines import WALKERS, Walker, fill_dead_ends, walk, walk_all
from maze_rl.mazes.generate import generate
from maze_rl.mazes.oracle import label_paths
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.tokenization.outcomes import judge

KNOWN = {
    # size: shortest-path rate on depth-first mazes (400 to 1000 mazes each: +- .03)
    5: {"manhattan": 0.56, "random_non_backtracking": 0.33, "look_ahead_4": 0.85},
    9: {"manhattan": 0.33, "random_non_backtracking": 0.15, "look_ahead_4": 0.60},
    15: {"manhattan": 0.19, "random_non_backtracking": 0.08, "look_ahead_4": 0.35, "look_ahead_16": 0.62},
}


def rates(solution: BatchSolution) -> dict[str, float]:
    return {name: float(judge(solution, walks).shortest.mean()) for name, walks in walk_all(solution, 0).items()}


@pytest.mark.parametrize("size", KNOWN)
def test_rates_on_depth_first_mazes(size: int) -> None:
    found = rates(solve_batch(generate(size, num=3000, seed=0).batches[0]))
    for name, expected in KNOWN[size].items():
        assert found[name] == pytest.approx(expected, abs=0.05), name
    assert found["oracle"] == found["dead_end_filling"] == 1.0
    assert found["random_legal"] < found["random_non_backtracking"]
    ordered = [found[name] for name in ("manhattan", "look_ahead_2", "look_ahead_4", "look_ahead_8", "look_ahead_16")]
    assert ordered == sorted(ordered)


def test_rates_on_mazes_with_cycles() -> None:
    found = rates(solve_batch(generate(7, "dfs_percolation", num=1000, seed=0).batches[0]))
    assert found["oracle"] == 1.0
    # Loops are no dead ends: filling them in does not solve these.
    assert found["manhattan"] < found["dead_end_filling"] < 0.8


@pytest.mark.parametrize("algorithm", ["wilson", "dfs_percolation"])
def test_seeing_as_far_as_the_oracle_says_is_enough(algorithm: str) -> None:
    solution = solve_batch(generate(6, algorithm, num=500, seed=1).batches[0])
    for depth in (2, 4, 8):
        shortest = judge(solution, walk(solution, Walker(to_nearest=True, look_ahead=depth), 0, "test")).shortest
        # On any optimal walk of these mazes: the reference path alone is not enough where there are several.
        labels = label_paths(solution.batch, solution.paths, solution.lengths + 1)
        unique = ~(labels.optimal.sum(axis=2) > 1).any(axis=1)
        easy = unique & (labels.look_ahead.max(axis=1) <= depth)
        assert easy.any()
        assert shortest[easy].all()
        assert shortest.mean() < 1


def test_manhattan_breaks_ties_evenly(square: BatchSolution) -> None:
    copies = solve_batch(square.batch.take(np.zeros(2000, np.int64)))
    second = walk(copies, WALKERS["manhattan"], 0, "test").cells[:, 1]
    assert np.mean(second[:, 0] == 1) == pytest.approx(0.5, abs=0.04)


def test_a_walker_without_a_way_stops(tree: BatchSolution) -> None:
    # At the fork 01, down and right are as near; down ends in 21, a dead end.
    copies = solve_batch(tree.batch.take(np.zeros(200, np.int64)))
    walks = walk(copies, WALKERS["manhattan"], 0, "test")
    ends = {tuple(map(int, cells[n - 1])) for cells, n in zip(walks.cells, walks.num_cells, strict=True)}
    assert ends == {(2, 1), (2, 2)}


def test_random_legal_walker_steps_back_and_runs_out_of_budget() -> None:
    solution = solve_batch(generate(6, num=200, seed=0).batches[0])
    found = judge(solution, walk(solution, WALKERS["random_legal"], 0, "test"))
    assert found.valid.all()
    assert 0 < found.reaches.sum() < 200
    assert not found.simple[found.reaches].all()


def test_dead_ends_are_filled(tree: BatchSolution) -> None:
    batch = tree.batch
    filled = fill_dead_ends(batch.connections, batch.origins, batch.targets)
    assert filled.sum() == 4  # the edges of the path
    assert batch.connections.sum() == 8  # the maze itself is left alone


def test_walks_depend_on_the_seed_and_the_name() -> None:
    solution = solve_batch(generate(6, num=50, seed=0).batches[0])
    walker = WALKERS["random_non_backtracking"]
    first = walk(solution, walker, 0, "one").cells
    assert np.array_equal(first, walk(solution, walker, 0, "one").cells)
    assert not np.array_equal(first, walk(solution, walker, 1, "one").cells)
    assert not np.array_equal(first, walk(solution, walker, 0, "two").cells)
