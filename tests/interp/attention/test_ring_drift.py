import numpy as np
import pytest
from scipy.stats import spearmanr

from maze_rl.interp.attention.ring_drift import best_range, ring_correlations, ring_slopes


def test_correlation_is_spearmans() -> None:
    rings = np.random.default_rng(0).uniform(0, 20, (30, 6)).round() + 3 * np.arange(6)
    found = ring_correlations(rings)
    advancing = found != 0
    assert advancing.sum() > 5
    expected = [spearmanr(np.arange(6), row).statistic for row in rings[advancing]]
    np.testing.assert_allclose(found[advancing], expected)


def test_what_rests_leaps_or_is_missing_follows_nothing() -> None:
    gap = np.nan
    rings = np.array(
        [
            [1, 2, 3, 4],
            [1, 5, 5, 5],
            [1, 5, 4, 3],
            [2, 2.1, 2.2, 2.3],
            [4, 3, 2, 1],
            [1, 2, gap, gap],
            [1, 2, 3, gap],
            [1.1, 1.2, 3.4, gap],
        ]
    )
    assert ring_correlations(rings).tolist() == pytest.approx([1, 0, 0, 0, 0, 0, 1, 0])


def test_slopes_are_those_of_least_squares() -> None:
    rings = np.random.default_rng(1).normal(size=(5, 7))
    np.testing.assert_allclose(ring_slopes(rings), [np.polyfit(np.arange(7), row, 1)[0] for row in rings])
    rings[:, 2] = np.nan
    kept = [0, 1, 3, 4, 5, 6]
    np.testing.assert_allclose(ring_slopes(rings), [np.polyfit(kept, row[kept], 1)[0] for row in rings])
    assert np.isnan(ring_slopes(np.full((1, 4), np.nan))).all()


def test_the_range_of_a_wave_is_found() -> None:
    generator = np.random.default_rng(2)
    rings = generator.uniform(0, 6, (40, 12))
    rings[:, 3:9] = np.arange(6) + generator.normal(scale=0.1, size=(40, 6))
    found, sureness = best_range(rings, generator.uniform(0, 6, (40, 12)))
    assert found == slice(3, 9) and sureness > 1


def test_a_gaze_that_falls_back_is_below_zero() -> None:
    (found,) = ring_correlations(np.array([[10.0, 11, 0, 1, 2, 3]]))
    assert -1 <= found < 0
