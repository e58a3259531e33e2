import numpy as np
import pytest

from maze_rl.interp.probes.doubling import fit_growth


def test_a_wave_is_linear() -> None:
    found = fit_growth(3 + 1.0 * np.arange(10))
    assert found.winner == "linear" and found.linear is not None
    assert found.linear.slope == pytest.approx(1) and found.linear.intercept == pytest.approx(3)


def test_path_merging_doubles() -> None:
    found = fit_growth(1 + 0.5 * 2.0 ** np.arange(7))
    assert found.winner == "doubling" and found.doubling is not None
    assert found.doubling.slope == pytest.approx(0.5) and found.doubling.intercept == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_rounding_and_noise_do_not_change_the_winner(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(scale=0.3, size=8)
    assert fit_growth(np.arange(8) + noise).winner == "linear"
    assert fit_growth(2.0 ** np.arange(8) + noise).winner == "doubling"


def test_plateaus_and_gaps_are_left_out() -> None:
    assert fit_growth(np.minimum(2.0 ** np.arange(12), 40)).winner == "doubling"
    assert fit_growth(np.minimum(np.arange(12.0), 7)).winner == "linear"
    assert fit_growth(np.array([np.nan, np.nan, 1, 2, 3, 4, 5, 6])).winner == "linear"


def test_no_growth_is_none() -> None:
    assert fit_growth(np.zeros(8)).winner == "none"
    assert fit_growth(np.array([2.0, 2.1, 2.0, 2.2, 2.1])).winner == "none"
    assert fit_growth(np.array([5.0, 4, 3, 2, 1])).winner == "none"
    assert fit_growth(np.array([1.0, 2, 3])).winner == "none"
    assert fit_growth(np.full(6, np.nan)).winner == "none"


def test_what_fits_both_is_unclear() -> None:
    # just between the two lines: equally far from either
    layers = np.arange(5.0)
    line = np.polyval(np.polyfit(layers, 2**layers, 1), layers)
    residual = 2**layers - line
    # share of the curve's own shape at which both residual sums are equal, by symmetry of the two unit directions
    cosine = np.corrcoef(layers, 2**layers)[0, 1]
    straight = (layers - layers.mean()) / np.linalg.norm(layers - layers.mean())
    curved = residual / np.linalg.norm(residual)
    half = np.arccos(cosine) / 2
    assert fit_growth(10 * (np.cos(half) * straight + np.sin(half) * curved)).winner == "unclear"
