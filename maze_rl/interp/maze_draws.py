"""Mazes drawn again with their decisions: what statistics that are no plain ratio of sums get their intervals from.

All decisions of a maze are drawn together (cluster bootstrap). A statistic is written as a function of sums over mazes,
so that one matrix product gives the sums of all draws. Ends are percentiles.
"""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from maze_rl.intervals import Interval
from maze_rl.seeding import numpy_generator

DRAWS = 1000


def sums_by_maze(maze: Int64[ndarray, " decision"], columns: ndarray) -> Float64[ndarray, "maze column"]:
    """Add up the decisions of each maze that has any; mazes in order.

    Args:
        maze: Maze of each decision.
        columns: What to add up, [decision, column].
    """
    _, row = np.unique(maze, return_inverse=True)
    sums = np.zeros((int(row.max(initial=-1)) + 1, columns.shape[1]))
    np.add.at(sums, row, columns.astype(np.float64))
    return sums


def redrawn_sums(
    sums: Float64[ndarray, "maze column"], *, seed: int = 0, draws: int = DRAWS
) -> Float64[ndarray, "draw column"]:
    """Return the sums over as many mazes drawn with replacement, `draws` times; 0 where there is no maze."""
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
