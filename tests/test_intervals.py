import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from maze_rl import intervals
from maze_rl.intervals import bootstrap_ratio, bootstrap_ratios, paired_difference, wilson


@pytest.mark.parametrize(("successes", "num"), [(0, 10), (3, 10), (10, 10), (1, 1), (457, 1000)])
def test_wilson_is_that_of_scipy(successes: int, num: int) -> None:
    ours = wilson(successes, num)
    theirs = binomtest(successes, num).proportion_ci(method="wilson")
    assert ours.value == successes / num
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_without_observations_says_nothing() -> None:
    value, low, high = wilson(0, 0)
    assert np.isnan(value)
    assert (low, high) == (0.0, 1.0)


def clustered(num: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    decisions = generator.integers(1, 9, num).astype(np.float64)
    ability = generator.beta(4, 1, num)
    return generator.binomial(decisions.astype(int), ability).astype(np.float64), decisions


def test_bootstrap_of_a_ratio_is_the_bca_of_scipy() -> None:
    right, asked = clustered(60)
    ours = bootstrap_ratio(right, asked, draws=20_000)

    def ratio(one: np.ndarray, two: np.ndarray, axis: int = -1) -> np.ndarray:
        return one.sum(axis=axis) / two.sum(axis=axis)

    theirs = bootstrap(
        (right, asked),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="BCa",
        rng=np.random.default_rng(5),
    ).confidence_interval
    assert ours.value == right.sum() / asked.sum()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_bootstrap_draws_mazes_not_decisions() -> None:
    # 50 mazes, all right or all wrong: 20 decisions of each tell no more than one.
    right = np.repeat([0.0, 1.0], 25)
    one, many = bootstrap_ratio(right, np.ones(50)), bootstrap_ratio(20 * right, np.full(50, 20.0))
    assert many == pytest.approx(one)
    assert one.high - one.low == pytest.approx(2 * 1.96 * 0.5 / 50**0.5, rel=0.1)


def test_bootstrap_depends_on_seed_alone_and_not_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    right, asked = clustered(40)
    first = bootstrap_ratio(right, asked, seed=3, draws=1000)
    assert bootstrap_ratio(right, asked, seed=3, draws=1000) == first
    assert bootstrap_ratio(right, asked, seed=4, draws=1000) != first
    monkeypatch.setattr(intervals, "_NUMBERS_PER_BLOCK", 4000)
    assert bootstrap_ratio(right, asked, seed=3, draws=1000) == pytest.approx(first, abs=1e-12)


def test_bootstrap_of_several_metrics() -> None:
    right, asked = clustered(40)
    ones, zeros = np.ones(40), np.zeros(40)
    found = bootstrap_ratios(np.stack([right, ones, zeros], 1), np.stack([asked, ones, zeros], 1), draws=500)
    assert found[0] == pytest.approx(bootstrap_ratio(right, asked, draws=500))
    assert found[1] == (1.0, 1.0, 1.0)  # nothing varies
    assert np.isnan(found[2].value)  # nothing was counted


def test_mcnemar_counts_discordant_mazes_alone() -> None:
    first = np.array([True] * 8 + [False] * 1 + [True] * 20 + [False] * 11)
    second = np.array([False] * 8 + [True] * 1 + [True] * 20 + [False] * 11)
    found = paired_difference(first, second)
    assert found.value == pytest.approx(7 / 40)
    # two-sided binomial tail of 8 of 9: 2 * (C(9,8) + C(9,9)) / 2^9
    assert found.p_value == pytest.approx(2 * 10 / 512)
    assert 0 < found.low < found.value < found.high < 1


def test_paired_difference_changes_sign_with_its_arguments() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(100) < 0.7, generator.random(100) < 0.4
    one, two = paired_difference(first, second), paired_difference(second, first)
    assert (one.value, one.low, one.high) == pytest.approx((-two.value, -two.high, -two.low))
    assert one.p_value == pytest.approx(two.p_value)


def test_paired_difference_of_equal_outcomes() -> None:
    same = np.array([True, False, True])
    found = paired_difference(same, same)
    assert (found.value, found.p_value) == (0.0, 1.0)


def test_paired_difference_covers_the_truth() -> None:
    generator = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        shared = generator.random(80)
        # Correlated outcomes with success rates .8 and .6.
        first, second = shared < 0.8, np.where(generator.random(80) < 0.5, shared, generator.random(80)) < 0.6
        found = paired_difference(first, second)
        covered += found.low <= 0.2 <= found.high
    assert 0.92 <= covered / 400 <= 0.985
