"""Rates and means over mazes with intervals over layouts: mazes with the same walls are not independent."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, UInt64
from numpy import ndarray

from maze_rl.evaluation.results import Estimate
from maze_rl.intervals import bootstrap_ratios, effective_number, num_clusters, wilson_of_effective
from maze_rl.seeding import stream_key


def rate(successes: Bool[ndarray, " maze"], layouts: UInt64[ndarray, " maze"]) -> Estimate:
    """Return the share of successes with Wilson's interval of the effective number of mazes."""
    effective = effective_number(successes, layouts)
    value, low, high = wilson_of_effective(float(successes.mean()), effective)
    num, different = len(successes), num_clusters(layouts)
    return Estimate(value=value, low=low, high=high, num=num, layouts=different, effective=effective)


def mean_estimates(
    ranges: Mapping[str, tuple[float, float]],
    numerators: Float[ndarray, "maze metric"],
    counts: Float[ndarray, "maze metric"],
    layouts: UInt64[ndarray, " maze"],
    seed: int,
) -> dict[str, Estimate | None]:
    """Return sums of numerators over sums of counts, with bootstrap intervals over layouts; None where nothing counts.

    Args:
        ranges: Name of each metric -> the least and the largest value it can have: its interval where all that counts
            is of one layout.
        numerators: Each maze's sum.
        counts: What each maze counts; what is not 0 makes its layout one of those the metric rests on.
        layouts: The layout of each maze.
        seed: Seed of the run.
    """
    intervals = bootstrap_ratios(numerators, counts, layouts, seed=stream_key(seed, "bootstrap"))
    found: dict[str, Estimate | None] = {}
    for column, (name, (least, largest)) in enumerate(ranges.items()):
        (value, low, high), count = intervals[column], counts[:, column]
        if count.sum() <= 0:
            found[name] = None
            continue
        found[name] = Estimate(
            value=value,
            low=least if low == -np.inf else low,
            high=largest if high == np.inf else high,
            num=round(float(count.sum())),
            layouts=num_clusters(layouts[count > 0]),
        )
    return found
