import itertools

import numpy as np
import pytest

from maze_rl.interp.sign_flips import (
    false_discovery_rate,
    head_means,
    mean_over_mazes,
    select_heads,
    selection_stability,
    sign_flip_p_values,
)


def noise(mazes: int, heads: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(mazes, heads))


def test_p_values_are_those_of_all_flips() -> None:
    differences = noise(10, 3) + np.array([0.8, 0.2, 0.0])
    scaled = differences / np.sqrt((differences**2).sum(axis=0))
    highest = np.array([(np.array(signs) @ scaled).max() for signs in itertools.product((-1, 1), repeat=10)])
    exact = [(highest >= value - 1e-9).mean() for value in scaled.sum(axis=0)]
    np.testing.assert_allclose(sign_flip_p_values(differences, flips=20_000), exact, atol=0.015)


def test_the_maximum_over_heads_is_corrected_for() -> None:
    # among 40 heads without anything, one is found in 5 % of the cases, not in nearly all
    found = [sign_flip_p_values(noise(30, 40, seed), flips=400, seed=seed).min() <= 0.05 for seed in range(200)]
    assert 0.01 < np.mean(found) < 0.1


def test_a_head_that_stands_out_is_found_and_one_without_differences_is_not() -> None:
    differences = noise(40, 5)
    differences[:, 2] += 1.5
    differences[:, 3] = 0.0
    p_values = sign_flip_p_values(differences)
    assert p_values[2] < 0.001 and p_values[3] == 1.0 and (p_values[[0, 1, 4]] > 0.05).all()
    assert (sign_flip_p_values(np.zeros((5, 2))) == 1).all()
    np.testing.assert_array_equal(sign_flip_p_values(differences), p_values)


def test_missing_mazes_are_left_out() -> None:
    differences = noise(30, 4) + 0.5
    gaps = np.concatenate([differences, np.full((6, 4), np.nan)])
    np.testing.assert_allclose(sign_flip_p_values(gaps), sign_flip_p_values(differences), atol=0.03)
    np.testing.assert_allclose(mean_over_mazes(gaps), differences.mean(axis=0))
    assert head_means(gaps)[1].value == pytest.approx(differences[:, 1].mean())
    assert head_means(gaps)[1].low < differences[:, 1].mean() < head_means(gaps)[1].high


def test_selection_needs_size_and_surety_and_its_stability_is_told() -> None:
    differences = 0.1 * noise(40, 4) + [1.0, 0.05, 0.0, 0.0]
    assert select_heads(differences, 0.1).tolist() == [True, False, False, False]
    assert selection_stability(differences, 0.1) == 1.0
    assert selection_stability(differences, 0.05) < 0.9  # the second head lies on the threshold
    assert selection_stability(np.zeros((20, 4)), 0.1) == 1.0


def test_false_discovery_rate_is_benjamini_and_hochbergs() -> None:
    # the example of their paper: 15 tests, the four smallest are discoveries
    p_values = np.array(
        [
            0.0001,
            0.0004,
            0.0019,
            0.0095,
            0.0201,
            0.0278,
            0.0298,
            0.0344,
            0.0459,
            0.3240,
            0.4262,
            0.5719,
            0.6528,
            0.759,
            1,
        ]
    )
    order = np.random.default_rng(0).permutation(15)
    np.testing.assert_array_equal(false_discovery_rate(p_values[order]), order < 4)
    assert not false_discovery_rate(np.array([0.2, 0.9])).any()
    # a step-up: a late p-value under its line brings in those before it
    assert false_discovery_rate(np.array([0.04, 0.045])).all()
    assert len(false_discovery_rate(np.array([]))) == 0


def test_mazes_of_one_layout_flip_together() -> None:
    once = noise(20, 4) + 0.3
    often, layouts = np.repeat(once, 3, axis=0), np.repeat(np.arange(20), 3)
    np.testing.assert_array_equal(sign_flip_p_values(often, layouts=layouts), sign_flip_p_values(once))
    assert (sign_flip_p_values(often) < sign_flip_p_values(often, layouts=layouts)).any()
    assert selection_stability(often, 0.1, layouts=layouts) == selection_stability(once, 0.1)
    np.testing.assert_array_equal(select_heads(often, 0.1, layouts=layouts), select_heads(once, 0.1))
    assert head_means(often, layouts=layouts)[0] == pytest.approx(head_means(once)[0])
    assert head_means(often)[0].low > head_means(often, layouts=layouts)[0].low


def test_layouts_that_all_differ_change_nothing() -> None:
    differences, own = noise(30, 3), np.arange(30)
    differences[4, 1] = np.nan
    np.testing.assert_array_equal(sign_flip_p_values(differences, layouts=own), sign_flip_p_values(differences))
    assert head_means(differences, layouts=own) == head_means(differences)
