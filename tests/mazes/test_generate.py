"""Generation: maze i is a function of (specification, seed, i) alone, and has what was asked for."""

import numpy as np
import pytest
from scipy.stats import chisquare

from maze_rl.configs.algorithms import ALGORITHMS
from maze_rl.configs.endpoints import Endpoints
from maze_rl.configs.mazes import MazeSpec
from maze_rl.errors import ConfigurationError, MazeRLError, UnknownNameError
from maze_rl.mazes.generate import generate, generate_mazes
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve
from maze_rl.mazes.splits import count_outside

SPECS = [
    MazeSpec(sizes=(3, 6, 9), algorithm="dfs"),
    MazeSpec(sizes=(5,), algorithm="wilson", split="validation"),
    MazeSpec(
        sizes=(4, 7),
        algorithm="dfs_percolation",
        options={"percolation": 0.3},
        endpoints=Endpoints(min_path_length=4, max_path_length=9),
    ),
    MazeSpec(sizes=((4, 6), 5), algorithm="percolation"),
    MazeSpec(sizes=((4, 6), 5), algorithm="braid", split="train"),
    MazeSpec(sizes=(6,), algorithm="dfs", options={"accessible_cells": 0.5}),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.algorithm)
def test_a_maze_depends_on_its_index_alone(spec: MazeSpec) -> None:
    whole = list(generate_mazes(spec, np.arange(60), seed=5))
    alone = [generate_mazes(spec, np.array([index]), seed=5)[0] for index in range(60)]
    shards = [
        maze for first in range(0, 60, 17) for maze in generate_mazes(spec, np.arange(first, min(first + 17, 60)), 5)
    ]
    mixed = np.random.default_rng(0).permutation(60)
    assert alone == whole
    assert shards == whole
    assert list(generate_mazes(spec, mixed, 5)) == [whole[index] for index in mixed]
    assert list(generate_mazes(spec, np.array([7, 7]), 5)) == [whole[7], whole[7]]


def test_asking_for_more_mazes_keeps_the_first_ones() -> None:
    assert list(generate(range(3, 8), num=200, seed=1))[:50] == list(generate(range(3, 8), num=50, seed=1))


def test_the_first_index_can_be_chosen() -> None:
    assert list(generate(range(3, 8), num=20, seed=1, first=30)) == list(generate(range(3, 8), num=50, seed=1))[30:]


@pytest.mark.parametrize(
    ("algorithm", "bits", "origin", "target"),
    [
        ("dfs", "dbd0a486", (0, 1), (3, 3)),
        ("wilson", "1ae0e66a", (3, 2), (0, 3)),
        ("dfs_percolation", "dbd0ec86", (2, 1), (0, 0)),
    ],
)
def test_mazes_are_the_same_on_every_machine(algorithm: str, bits: str, origin: tuple, target: tuple) -> None:
    maze = generate(4, algorithm, num=3, seed=0)[2]
    assert np.packbits(maze.connections).tobytes().hex() == bits
    assert (maze.origin, maze.target) == (origin, target)


def test_seeds_and_indices_give_different_mazes() -> None:
    mazes = [maze for seed in range(5) for maze in generate(8, "wilson", num=200, seed=seed)]
    assert len(set(mazes)) == 1000


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_maze_passes_the_checks_of_construction(algorithm: str) -> None:
    for batch in generate([*range(2, 10), (3, 7), (9, 2)], algorithm, num=200).batches:
        assert batch.origins.dtype == batch.targets.dtype == np.int16
        MazeBatch(batch.connections, batch.origins, batch.targets)


def test_sizes_are_uniform() -> None:
    mazes = generate((3, 5, 8, 4), num=8000)
    sizes = [mazes.batches[batch].shape[0] for batch in mazes.batch_of]
    assert chisquare([sizes.count(size) for size in (3, 5, 8, 4)]).pvalue > 1e-4


def test_endpoints_are_uniform_over_pairs_of_different_cells() -> None:
    batch = generate(3, num=14_400).batches[0]
    origins, targets = (cells @ np.array([3, 1]) for cells in (batch.origins, batch.targets))
    counts = np.bincount(origins * 9 + targets, minlength=81).reshape(9, 9)
    assert (np.diag(counts) == 0).all()
    assert chisquare(counts[~np.eye(9, dtype=bool)]).pvalue > 1e-4


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_path_lengths_stay_within_limits(algorithm: str) -> None:
    mazes = generate((5, 8), algorithm, num=400, min_path_length=6, max_path_length=10)
    lengths = [solution.distance for solution in solve(mazes)]
    assert set(lengths) == {6, 7, 8, 9, 10}


def test_endpoints_are_uniform_over_the_pairs_allowed() -> None:
    # A tree on 2x2 is a line of four cells: 4 ordered pairs are two steps apart, 2 are three.
    lengths = [solution.distance for solution in solve(generate(2, num=6000, min_path_length=2))]
    assert chisquare([lengths.count(2), lengths.count(3)], [4000, 2000]).pvalue > 1e-4


def test_a_limit_no_maze_can_meet_is_one_clear_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        # without walls no two cells of 5x5 are more than 8 steps apart
        generate(5, "dfs_percolation", num=4, percolation=1.0, min_path_length=9)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(
        "maze 0: no 5 x 5 dfs_percolation maze in split any with a path of 9 or more steps was found"
    )


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_holds_no_maze_of_another(split: str) -> None:
    for batch in generate(range(4, 8), num=400, split=split).batches:
        assert count_outside(batch, split) == 0
        assert all(count_outside(batch, other) == len(batch) for other in {"train", "validation", "test"} - {split})


def test_names_and_numbers_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'dfs'"):
        generate(5, "dsf")
    with pytest.raises(ConfigurationError, match="num is 0"):
        generate(5, num=0)
    with pytest.raises(MazeRLError, match="maze size 1 is out of bounds"):
        generate(1)
    with pytest.raises(MazeRLError, match="no maze size was given"):
        generate([])
