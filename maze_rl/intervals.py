"""Intervals for what evaluation and analyses report: Wilson, cluster bootstrap (BCa), exact McNemar.

The unit is always the maze. Rates over mazes get Wilson intervals. Whatever is averaged over decisions
inside mazes (accuracies, masses, ratios) is a ratio of two sums over mazes, and mazes are what is drawn
again: decisions of one maze are not independent. BCa: Efron (1987), Better bootstrap confidence intervals.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

NUM_DRAWS = 10_000
LEVEL = 0.95
_NUMBERS_PER_BLOCK = 2_000_000
_NORMAL = NormalDist()


class Interval(NamedTuple):
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


class PairedInterval(NamedTuple):
    """A difference of two rates on the same mazes, with its interval and exact McNemar p-value."""

    value: float
    low: float
    high: float
    p_value: float


def wilson(successes: int, num: int, level: float = LEVEL) -> Interval:
    """Return a rate with its Wilson score interval; nothing observed gives nan in [0, 1]."""
    if num == 0:
        return Interval(float("nan"), 0.0, 1.0)
    z = _NORMAL.inv_cdf(0.5 + level / 2)
    rate = successes / num
    centre = (rate + z**2 / (2 * num)) / (1 + z**2 / num)
    half = z / (1 + z**2 / num) * (rate * (1 - rate) / num + z**2 / (4 * num**2)) ** 0.5
    # Rounding must not push the ends past the rate itself, nor out of [0, 1].
    return Interval(rate, max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half)))


def bootstrap_ratios(
    numerators: Float[ndarray, "maze metric"],
    denominators: Float[ndarray, "maze metric"],
    *,
    seed: int = 0,
    draws: int = NUM_DRAWS,
    level: float = LEVEL,
) -> list[Interval]:
    """Return for each metric sum(numerators) / sum(denominators) with its BCa interval over mazes.

    A mean over mazes has denominators of one; a maze without, say, forks has zeros in both. All metrics
    share the draws. A metric whose denominators add up to nothing is nan.

    Args:
        numerators: Each maze's sum.
        denominators: Each maze's count (or weight), not negative.
        seed: Seed of the draws, 0 or more; where a run has a seed, the key of its own stream.
        draws: Number of times the mazes are drawn again.
        level: Coverage of the interval.
    """
    num_metrics = numerators.shape[1]
    columns = np.concatenate([numerators, denominators], axis=1, dtype=np.float64)
    sums = _resampled_sums(columns, draws, np.random.Generator(np.random.Philox(seed)))
    totals = columns.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = totals[:num_metrics] / totals[num_metrics:]
        replicates = sums[:, :num_metrics] / sums[:, num_metrics:]
        rest = totals - columns
        jackknife = rest[:, :num_metrics] / rest[:, num_metrics:]
    return [_bca(values[i], replicates[:, i], jackknife[:, i], level) for i in range(num_metrics)]


def bootstrap_ratio(
    numerators: Float[ndarray, " maze"],
    denominators: Float[ndarray, " maze"],
    *,
    seed: int = 0,
    draws: int = NUM_DRAWS,
) -> Interval:
    """Return one ratio of sums with its interval: `bootstrap_ratios` for a single metric."""
    return bootstrap_ratios(numerators[:, None], denominators[:, None], seed=seed, draws=draws)[0]


def paired_difference(
    first: Bool[ndarray, " maze"], second: Bool[ndarray, " maze"], level: float = LEVEL
) -> PairedInterval:
    """Compare two success rates on the same mazes: first minus second.

    The interval is Newcombe's score interval for paired proportions (1998, method 10), the p-value the
    two-sided exact McNemar test.
    """
    from scipy.stats import binomtest

    both, only_first = int((first & second).sum()), int((first & ~second).sum())
    only_second, neither = int((second & ~first).sum()), int((~first & ~second).sum())
    num = len(first)
    one, two = wilson(both + only_first, num, level), wilson(both + only_second, num, level)
    phi = _newcombe_phi(both, only_first, only_second, neither)
    below = _hypotenuse(one.value - one.low, two.high - two.value, phi)
    above = _hypotenuse(one.high - one.value, two.value - two.low, phi)
    discordant = only_first + only_second
    p_value = float(binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0
    value = one.value - two.value
    return PairedInterval(value, value - below, value + above, p_value)


def _newcombe_phi(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Return the correlation of the two outcomes, pulled towards 0 where positive."""
    num = both + only_first + only_second + neither
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if margins == 0:
        return 0.0
    excess = both * neither - only_first * only_second
    corrected = max(excess - num / 2, 0.0) if excess > 0 else excess
    return corrected / margins**0.5


def _hypotenuse(a: float, b: float, phi: float) -> float:
    return max(a * a - 2 * phi * a * b + b * b, 0.0) ** 0.5


def _resampled_sums(columns: ndarray, draws: int, generator: np.random.Generator) -> ndarray:
    """Return Float64[draws, column]: sums over mazes drawn with replacement, in blocks of bounded memory."""
    num = len(columns)
    sums = np.empty((draws, columns.shape[1]))
    rows = max(1, _NUMBERS_PER_BLOCK // max(num, 1))
    for start in range(0, draws, rows):
        size = min(rows, draws - start)
        drawn = generator.integers(0, num, (size, num), dtype=np.int32)
        drawn += (np.arange(size, dtype=np.int32) * num)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * num).reshape(size, num)
        sums[start : start + size] = counts.astype(np.float64) @ columns
    return sums


def _bca(value: float, replicates: ndarray, jackknife: ndarray, level: float) -> Interval:
    replicates = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or len(replicates) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    # Rounding of sums must not look like variation.
    if np.ptp(replicates) <= 1e-12 * max(1.0, abs(value)):
        return Interval(float(value), float(value), float(value))
    share = ((replicates < value).mean() + (replicates <= value).mean()) / 2
    bias = _NORMAL.inv_cdf(min(max(float(share), 0.5 / len(replicates)), 1 - 0.5 / len(replicates)))
    acceleration = _acceleration(jackknife[np.isfinite(jackknife)])
    ends = []
    for tail in (0.5 - level / 2, 0.5 + level / 2):
        shifted = bias + _NORMAL.inv_cdf(tail)
        ends.append(_NORMAL.cdf(bias + shifted / max(1 - acceleration * shifted, 1e-9)))
    low, high = np.quantile(replicates, ends)
    return Interval(float(value), float(low), float(high))


def _acceleration(jackknife: ndarray) -> float:
    deviations = jackknife.mean() - jackknife if len(jackknife) else jackknife
    spread = float((deviations**2).sum())
    return float((deviations**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
