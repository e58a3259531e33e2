"""Mazes drawn again with their decisions: what statistics that are no plain ratio of sums get their intervals from.

All decisions of the mazes of one layout, the same walls up to rotation and reflection, are drawn together (cluster
bootstrap): they are not independent. A statistic is written as a function of sums over layouts, so that one matrix
product gives the sums of all draws. Ends are percentiles.
"""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from maze_rl.intervals import Interval
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


def percentile_interval(value: float | np.floating, replicates: ndarray) -> Interval:
    """Return a value with the middle 95 % of its replicates; nan where there is none."""
    finite = replicates[np.isfinite(replicates)]
    if len(finite) == 0 or not np.isfinite(value):
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(finite, (0.025, 0.975))
    return Interval(float(value), float(min(low, value)), float(max(high, value)))
