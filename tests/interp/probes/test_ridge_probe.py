"""Ridge probes against plain linear algebra: solutions, left-out residuals, bases."""

import tracemalloc

import numpy as np
import pytest

from maze_rl.interp.probes.ridge_probe import Base, RidgeProbe, within_maze_pairs

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(30, 8), (12, 40)])
def test_the_solution_is_that_of_the_normal_equations(shape: tuple[int, int]) -> None:
    x, y, new = RNG.normal(size=shape), RNG.normal(size=(shape[0], 3)), RNG.normal(size=(5, shape[1]))
    centred = x - x.mean(axis=0)
    penalty = 0.1 * (centred**2).sum() / min(shape)
    weights = np.linalg.solve(centred.T @ centred + penalty * np.eye(shape[1]), centred.T @ (y - y.mean(axis=0)))
    probe = RidgeProbe(x)
    np.testing.assert_allclose(probe.weights(y, 0.1), weights, atol=1e-9)
    expected = y.mean(axis=0) + (new - x.mean(axis=0)) @ weights
    np.testing.assert_allclose(probe.predict(new, y, 0.1), expected, atol=1e-9)


def test_left_out_residuals_are_those_of_leaving_out_with_a_base_too() -> None:
    z, x, y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 6)), RNG.normal(size=(20, 2))
    base = Base(z, y)
    probe, strength = RidgeProbe(x, base), 0.01
    unit_x = ((x - x.mean(axis=0)) ** 2).sum() / 6
    unit_z = ((z - z.mean(axis=0)) ** 2).sum() / 3
    penalties = np.diag([0.0] + [base.strength * unit_z] * 3 + [strength * unit_x] * 6)
    design = np.concatenate([np.ones((20, 1)), z, x], axis=1)
    for row in range(20):
        rest = np.arange(20) != row
        solved = np.linalg.solve(design[rest].T @ design[rest] + penalties, design[rest].T @ y[rest])
        np.testing.assert_allclose(probe.left_out(y, strength)[row], y[row] - design[row] @ solved, atol=1e-9)
    solved = np.linalg.solve(design.T @ design + penalties, design.T @ y)
    np.testing.assert_allclose(probe.predict(x, y, strength, z), design @ solved, atol=1e-9)


def test_noise_gets_the_strongest_penalty_and_a_line_the_weakest() -> None:
    x = RNG.normal(size=(60, 5))
    assert RidgeProbe(x).strength_for(x @ RNG.normal(size=(5, 2))) == 1e-7
    assert RidgeProbe(x).strength_for(RNG.normal(size=(60, 40))) >= 10


def test_features_in_the_span_of_the_base_add_nothing() -> None:
    z, y = RNG.normal(size=(40, 6)), RNG.normal(size=(40, 3))
    base = Base(z, y)
    probe = RidgeProbe((z @ RNG.normal(size=(6, 9))).astype(np.float32), base)
    strength = probe.strength_for(y)
    gain = (base.left_out(y) ** 2).sum() / (probe.left_out(y, strength) ** 2).sum()
    assert gain < 1.2


def test_pairs_are_counted_within_mazes() -> None:
    scores = np.array([[3.0, 2.0, 2.0, 0.0], [0.0, 1.0, 2.0, 3.0]])
    labels = np.array([[True, False, True, False], [True, True, True, True]])
    right, pairs = within_maze_pairs(scores, labels)
    assert right.tolist() == [3.5, 0.0]
    assert pairs.tolist() == [4.0, 0.0]


def test_pairs_are_those_of_plain_loops_and_take_no_cube() -> None:
    scores, labels = RNG.integers(0, 6, (7, 12)).astype(float), RNG.random((7, 12)) < 0.4
    eligible = RNG.random((7, 12)) < 0.8
    right, pairs = within_maze_pairs(scores, labels, eligible)
    for row in range(7):
        true = [scores[row, column] for column in range(12) if labels[row, column] and eligible[row, column]]
        false = [scores[row, column] for column in range(12) if not labels[row, column] and eligible[row, column]]
        assert pairs[row] == len(true) * len(false)
        assert right[row] == sum((a > b) + 0.5 * (a == b) for a in true for b in false)
    many, marks = RNG.random((40, 300)), RNG.random((40, 300)) < 0.5
    tracemalloc.start()
    within_maze_pairs(many, marks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 300 * 300 * 8
