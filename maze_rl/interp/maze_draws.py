"""Mazes drawn again with their decisions: what statistics that are no plain ratio of sums get their intervals from.

All decisions of the mazes of one layout, the same walls up to rotation and reflection, are drawn together (cluster
bootstrap): they are not independent. A statistic is written as a function of sums over layouts, so that one matrix
product gives the sums of all draws. Ends are percentiles.
"""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from maze_rl.intervals import Interval, bootstrap_ratios
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.splits import maze_hashes
from maze_rl.seeding import numpy_generator

DRAWS = 1000


def layouts_of(batch: MazeBatch) -> Int64[ndarray, " maze"]:
    """Return each maze's layout: the first row with the same walls up to rotation and reflection.

    Where no two mazes share one it is the row itself, so that intervals over layouts are those over mazes.
    """
    _, first, kind = np.unique(maze_hashes(batch), return_index=True, return_inverse=True)
    return first[kind].astype(np.int64)


def sums_by_layout(layouts: Int64[ndarray, " row"], columns: ndarray) -> Float64[ndarray, "layout column"]:
    """Add up the rows of each layout that has any; layouts in order.

    Args:
        layouts: Layout of each decision, or of each maze.
        columns: What to add up, [row, column].
    """
    _, row = np.unique(layouts, return_inverse=True)
    sums = np.zeros((int(row.max(initial=-1)) + 1, columns.shape[1]))
    np.add.at(sums, row, columns.astype(np.float64))
    return sums


def redrawn_sums(
    sums: Float64[ndarray, "layout column"], *, seed: int = 0, draws: int = DRAWS
) -> Float64[ndarray, "draw column"]:
    """Return the sums over as many layouts drawn with replacement, `draws` times; 0 where there is none."""
    num = len(sums)
    if num == 0:
        return np.zeros((draws, sums.shape[1]))
    return numpy_generator(seed, "mazes drawn again").multinomial(num, np.full(num, 1 / num), draws) @ sums


def rates_over_layouts(
    layouts: Int64[ndarray, " row"],
    right: Float64[ndarray, "row rate"],
    counted: Float64[ndarray, "row rate"],
    *,
    least: float = 0.0,
    seed: int = 0,
    draws: int = DRAWS,
) -> list[Interval]:
    """Return rates over decisions with their bootstrap intervals over layouts.

    One layout tells nothing of others, however many decisions it has: the interval of its rate is all that can be.

    Args:
        layouts: Layout of each decision.
        right: What is added up for each rate, `least` to 1 in a row that counts; 0 elsewhere.
        counted: 1 where a row counts, else 0.
        least: Least value that there can be: -1 for a difference of rates.
        seed: Seed of the draws.
        draws: Number of times the layouts are drawn again.
    """
    found = bootstrap_ratios(right, counted, layouts, seed=seed, draws=draws)
    num = (sums_by_layout(layouts, counted) > 0).sum(axis=0)
    return [Interval(rate.value, least, 1.0) if of == 1 else rate for rate, of in zip(found, num, strict=True)]


def percentile_interval(
    value: float | np.floating, replicates: ndarray, *, layouts: int | np.integer | None = None
) -> Interval:
    """Return a value with the middle 95 % of its replicates; nan where there is none.

    Args:
        value: Of all layouts.
        replicates: Of layouts drawn again.
        layouts: How many there are to draw; None where they are known to be several. One tells nothing of others: the
            ends are infinite.
    """
    if layouts == 1 and np.isfinite(value):
        return Interval(float(value), -np.inf, np.inf)
    finite = replicates[np.isfinite(replicates)]
    if len(finite) == 0 or not np.isfinite(value):
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(finite, (0.025, 0.975))
    return Interval(float(value), float(min(low, value)), float(max(high, value)))
