"""Features of cells against plain loops, and what halves and control labels promise."""

from inspect import unwrap

import numpy as np
import pytest

from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.interp.inputs.cell_features import (
    alive_after,
    base_features,
    control_values,
    degrees,
    far_cells,
    manhattan,
    of_other_mazes,
    open_edges,
    reached_after,
    split_halves,
    variable_of,
)
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.generate import generate
from maze_rl.mazes.splits import maze_hashes

BATCH = generate(4, num=40, algorithm="dfs").batches[0]


def test_what_is_left_of_dead_end_filling_is_the_path() -> None:
    labels = label_cells(BATCH)
    assert (variable_of(BATCH, "alive") == labels.on_path).all()
    assert (variable_of(BATCH, "distance") == labels.distances).all()
    assert alive_after(BATCH, 0).all()
    once = alive_after(BATCH, 1)
    for index, maze in enumerate(BATCH):
        for cell in np.ndindex(4, 4):
            kept = len(maze.neighbours(cell)) >= 2 or cell in (maze.origin, maze.target)
            assert once[index, cell[0] * 4 + cell[1]] == kept
            assert degrees(BATCH)[index, cell[0] * 4 + cell[1]] == len(maze.neighbours(cell))


def test_rings_distances_and_edges() -> None:
    assert (reached_after(BATCH, 2) == (label_cells(BATCH).distances <= 2)).all()
    assert (open_edges(BATCH).sum(axis=1) == 15).all()
    assert manhattan(BATCH, BATCH.targets)[3, 7] == sum(abs(BATCH.targets[3] - [1, 3]))
    assert base_features(BATCH).shape == (40, 48)
    labels = label_cells(BATCH)
    assert (far_cells(BATCH, 3) == ((labels.distances >= 3) & (labels.frontier >= 3))).all()


def test_cells_out_of_reach_have_no_distance() -> None:
    percolation = generate(5, num=30, algorithm="percolation", percolation=0.5).batches[0]
    distances = label_cells(percolation).distances
    with pytest.raises(ConfigurationError, match=rf"^{(distances < 0).any(axis=1).sum()} of 30 mazes have cells from"):
        variable_of(percolation, "distance")
    whole = percolation.take(np.flatnonzero((distances >= 0).all(axis=1)))
    assert (variable_of(whole, "distance") == label_cells(whole).distances).all()
    assert (reached_after(percolation, 3) == ((distances >= 0) & (distances <= 3))).all()
    far = far_cells(percolation, 2)
    assert far.any() and not far[(distances < 0) | (label_cells(percolation).frontier < 0)].any()


def test_mazes_of_one_layout_have_no_halves() -> None:
    with pytest.raises(ConfigurationError, match="40 mazes have 1 layouts"):
        split_halves(BATCH.take(np.zeros(40, np.int64)))


def test_images_of_a_maze_stay_on_one_side() -> None:
    turned = BATCH.take(np.repeat(np.arange(20), 2))
    fit, held_out = split_halves(turned)
    assert sorted([*fit, *held_out]) == list(range(40))
    assert not set(maze_hashes(turned)[fit].tolist()) & set(maze_hashes(turned)[held_out].tolist())
    assert 10 <= len(fit) <= 30


def test_controls_have_the_marginals_or_depend_on_the_ends_alone() -> None:
    values = variable_of(BATCH, "distance")
    others = of_other_mazes(values)
    assert sorted(map(tuple, others)) == sorted(map(tuple, values))
    assert not (others == values).all(axis=1).any()
    twice = BATCH.take(np.array([0, 0, 1]))
    control = control_values(twice, 5)
    assert (control[0] == control[1]).all()
    assert (control[0] != control[2]).any()


def test_no_less_than_half_are_held_out() -> None:
    for num in (9, 40):
        for seed in range(20):
            turned = BATCH.take(np.random.default_rng(seed).integers(0, 12, num))
            fit, held_out = split_halves(turned, seed)
            assert len(held_out) >= num / 2 and len(fit) + len(held_out) == num


def test_an_unknown_variable_is_no_filling() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown variable 'frontier'. .*Choices: alive, distance"):
        unwrap(variable_of)(BATCH, "frontier")
