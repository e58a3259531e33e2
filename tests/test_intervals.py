import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from maze_rl import intervals
from maze_rl.intervals import (
    bootstrap_ratio,
    bootstrap_ratios,
    clustered_wilson,
    effective_number,
    num_clusters,
    paired_difference,
    wilson,
    wilson_of_effective,
)


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


@pytest.mark.parametrize(("successes", "num"), [(0, 10), (3, 10), (10, 10), (1, 1), (457, 1000)])
def test_one_maze_in_each_cluster_gives_the_interval_of_wilson(successes: int, num: int) -> None:
    right = np.arange(num) < successes
    assert clustered_wilson(right, np.arange(num)[::-1]) == pytest.approx(wilson(successes, num), abs=1e-15)


def test_clusters_never_make_an_interval_narrower() -> None:
    generator = np.random.default_rng(3)
    for _ in range(200):
        num = int(generator.integers(2, 80))
        right, clusters = generator.random(num) < generator.random(), generator.integers(0, num, num)
        found, plain = clustered_wilson(right, clusters), wilson(int(right.sum()), num)
        assert found.value == plain.value
        assert found.low <= plain.low + 1e-12
        assert found.high >= plain.high - 1e-12


def test_copies_of_mazes_tell_no_more_than_the_mazes() -> None:
    right = np.arange(40) < 30
    once = wilson(30, 40)
    copied = clustered_wilson(np.repeat(right, 25), np.repeat(np.arange(40), 25))
    # Of 39 degrees of freedom instead of 999: a little wider than of 40 mazes whose variance is known.
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.06)
    assert copied.high - copied.low > once.high - once.low


def test_where_all_succeed_mazes_of_one_cluster_count_as_one() -> None:
    everything = np.ones(500, np.bool_)
    found = clustered_wilson(everything, np.arange(500) % 25)
    assert found.value == found.high == 1.0
    assert wilson(22, 22).low < found.low < wilson(25, 25).low


def test_one_cluster_says_nothing_of_others() -> None:
    right, one = np.arange(9) < 6, np.zeros(9, np.int64)
    assert clustered_wilson(right, one) == (6 / 9, 0.0, 1.0)
    assert bootstrap_ratio(right.astype(float), np.ones(9), one) == (6 / 9, -np.inf, np.inf)
    assert paired_difference(right, ~right, one)[:3] == pytest.approx((3 / 9, -1.0, 1.0))


def test_clustered_rate_of_nothing_says_nothing() -> None:
    found = clustered_wilson(np.zeros(0, np.bool_), np.zeros(0, np.int64))
    assert np.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)
    assert (num_clusters(np.zeros(0, np.uint64)), num_clusters(np.array([7, 3, 7], np.uint64))) == (0, 2)


@pytest.mark.parametrize("same_within", [False, True], ids=["independent", "equal in a cluster"])
@pytest.mark.parametrize("rate", [0.5, 0.8, 0.95])
def test_clustered_interval_covers_the_truth(same_within: bool, rate: float) -> None:
    generator = np.random.default_rng(11)
    # Clusters of very different sizes, as layouts of small mazes are.
    clusters = np.sort(generator.choice(30, 300, p=np.arange(1, 31) / 465))
    covered = plainly = 0
    for _ in range(1000):
        drawn = generator.random(30)[clusters] if same_within else generator.random(300)
        found = clustered_wilson(drawn < rate, clusters)
        covered += found.low <= rate <= found.high
        plain = wilson(int((drawn < rate).sum()), 300)
        plainly += plain.low <= rate <= plain.high
    assert 930 <= covered <= 985
    if same_within:
        assert plainly < 600


def test_few_clusters_at_a_rate_near_one_are_covered_as_often_as_the_docstring_says() -> None:
    generator, rate, correlation = np.random.default_rng(0), 0.95, 0.2
    shape = (1 - correlation) / correlation
    clusters = np.repeat(np.arange(27), 18)
    covered = 0
    for _ in range(1000):
        rates = generator.beta(shape * rate, shape * (1 - rate), 27)  # clusters correlated by 1 / (1 + shape)
        found = clustered_wilson(generator.random(len(clusters)) < rates[clusters], clusters)
        covered += found.low <= rate <= found.high
    assert 905 <= covered <= 935


def test_trials_inside_mazes_count_towards_the_effective_number() -> None:
    generator = np.random.default_rng(5)
    # Up to 12 steps, each of which fails with a chance of 0.1; the first failure is the last step.
    fails = generator.random((400, 12)) < 0.1
    failures = fails.any(axis=1).astype(np.float64)
    trials = np.where(fails.any(axis=1), fails.argmax(axis=1) + 1, 12)
    alone = effective_number(failures, np.arange(400), trials)
    assert alone == pytest.approx(trials.sum(), rel=0.15)
    copies = effective_number(np.repeat(failures, 5), np.repeat(np.arange(400), 5), np.repeat(trials, 5))
    assert copies == pytest.approx(alone, rel=0.1)
    # What could not fail is no trial, whatever its cluster.
    padded = effective_number(np.append(failures, 0), np.append(np.arange(400), 999), np.append(trials, 0))
    assert padded == alone


def test_interval_of_an_effective_number() -> None:
    assert wilson_of_effective(0.5, 20) == pytest.approx(wilson(10, 20))
    assert wilson_of_effective(0.3, 0) == (0.3, 0.0, 1.0)


def test_bootstrap_of_clusters_is_that_of_their_sums() -> None:
    right, asked = clustered(60)
    clusters = np.arange(60) % 20
    sums = (each.reshape(3, 20).sum(axis=0) for each in (right, asked))
    assert bootstrap_ratio(right, asked, clusters, draws=500) == pytest.approx(bootstrap_ratio(*sums, draws=500))
    singles = bootstrap_ratio(right, asked, np.arange(60), draws=500)
    assert singles == pytest.approx(bootstrap_ratio(right, asked, draws=500))


def test_bootstrap_knows_where_only_one_cluster_has_what_is_asked() -> None:
    clusters, ones = np.array([0, 0, 1, 2]), np.ones(4)
    forks = np.array([1.0, 1.0, 0.0, 0.0])
    found = bootstrap_ratios(
        np.stack([forks * [1, 0, 0, 0], ones * [1, 0, 1, 0]], 1), np.stack([forks, ones], 1), clusters, draws=200
    )
    assert found[0] == (0.5, -np.inf, np.inf)
    assert np.isfinite(found[1]).all()


def test_paired_difference_of_single_mazes_is_that_without_clusters() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(100) < 0.7, generator.random(100) < 0.4
    assert paired_difference(first, second, np.arange(100)) == pytest.approx(paired_difference(first, second))


def test_paired_difference_of_copies_tells_no_more_than_of_the_mazes() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(60) < 0.7, generator.random(60) < 0.5
    once = paired_difference(first, second)
    copied = paired_difference(np.repeat(first, 10), np.repeat(second, 10), np.repeat(np.arange(60), 10))
    assert copied.value == pytest.approx(once.value)
    assert copied.p_value == pytest.approx(once.p_value)
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.05)
    pooled = paired_difference(np.repeat(first, 10), np.repeat(second, 10))
    assert pooled.high - pooled.low < 0.5 * (copied.high - copied.low)
    assert pooled.p_value < copied.p_value


def test_swapping_whole_clusters_by_hand() -> None:
    # Clusters are ahead by 3, 1 and -1: of the 8 ways to sign them, 3 + 1 - 1 = 3 is reached or passed by 6.
    first = np.array([True, True, True, True, False])
    found = paired_difference(first, ~first, np.array([0, 0, 0, 1, 2]))
    assert found.p_value == pytest.approx(6 / 8)
