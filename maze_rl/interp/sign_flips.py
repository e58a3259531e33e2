"""Which of many heads stand out: sign flips over mazes, corrected for having looked at all heads.

Each maze gives a head one difference D (a score minus its matched control). Where there is nothing, the labels "score"
and "control" of a maze could be swapped, so that the sign of its D is free. Mazes of one layout (the same walls up to
rotation and reflection) are not independent and are swapped together: D_i is the sum over layout i. The signs are drawn
at random many times, the same for all heads, and each head's

    T_h = sum_i s_i D_ih / sqrt(sum_i D_ih^2)

is compared with the largest T over heads in each draw (Westfall & Young 1993, Resampling-Based Multiple Testing,
single step). The root does not change with the signs, so heads of any scale are judged alike. Across tests the rate of
false discoveries is held by the rule of Benjamini & Hochberg (1995).
"""

import numpy as np
from jaxtyping import Bool, Float, Int64
from numpy import ndarray

from maze_rl.interp.maze_draws import sums_by_layout
from maze_rl.intervals import Interval, bootstrap_ratios
from maze_rl.seeding import numpy_generator, stream_key

FLIPS = 2000
LEVEL = 0.05
_ROUNDING = 1e-9


def sign_flip_p_values(
    differences: Float[ndarray, "maze head"],
    *,
    layouts: Int64[ndarray, " maze"] | None = None,
    flips: int = FLIPS,
    seed: int = 0,
) -> Float[ndarray, " head"]:
    """Return for each head the p-value of a mean above 0, corrected for the maximum over heads.

    Args:
        differences: Score minus control of each maze; a maze where a head has none (nan) is left out for that head.
        layouts: Layout of each maze; None where each is taken to have its own.
        flips: Number of draws of signs; the least p-value is 1 / (flips + 1).
        seed: Seed of the draws.
    """
    sums, _ = _by_layout(differences, layouts)
    return _p_values(sums, _signs(len(sums), flips, seed))


def select_heads(
    differences: Float[ndarray, "maze head"],
    threshold: float,
    *,
    layouts: Int64[ndarray, " maze"] | None = None,
    flips: int = FLIPS,
    seed: int = 0,
) -> Bool[ndarray, " head"]:
    """Return the heads whose mean over mazes exceeds `threshold` and is above 0 beyond chance."""
    sums, present = _by_layout(differences, layouts)
    return _selected(sums, present, threshold, _signs(len(sums), flips, seed))


def selection_stability(
    differences: Float[ndarray, "maze head"],
    threshold: float,
    *,
    layouts: Int64[ndarray, " maze"] | None = None,
    draws: int = 50,
    flips: int = 500,
    seed: int = 0,
) -> float:
    """Return how far the selection depends on the mazes: its mean Jaccard index with that from layouts drawn again.

    The index of two sets is the size of their intersection over that of their union; 1 where both are empty. A layout
    drawn twice counts double and keeps one sign.
    """
    sums, present = _by_layout(differences, layouts)
    num = len(sums)
    signs = _signs(num, flips, seed)
    chosen = _selected(sums, present, threshold, signs)
    generator = numpy_generator(seed, "selection_stability")
    counts = generator.multinomial(num, np.full(num, 1 / num), size=draws)
    return float(np.mean([_jaccard(chosen, _selected(sums, present, threshold, signs, count)) for count in counts]))


def false_discovery_rate(p_values: Float[ndarray, " test"], level: float = LEVEL) -> Bool[ndarray, " test"]:
    """Return which tests are discoveries when at most `level` of the discoveries may be false (Benjamini-Hochberg)."""
    order = np.argsort(p_values)
    allowed = level * np.arange(1, len(p_values) + 1) / max(len(p_values), 1)
    below = np.flatnonzero(p_values[order] <= allowed)
    found = np.zeros(len(p_values), np.bool_)
    found[order[: below[-1] + 1 if len(below) else 0]] = True
    return found


def mean_over_mazes(differences: Float[ndarray, "maze *rest"]) -> Float[ndarray, "*rest"]:
    """Return the mean over the mazes that have a value; 0 where none has."""
    return np.nan_to_num(differences).sum(axis=0) / np.maximum(np.isfinite(differences).sum(axis=0), 1)


def head_means(
    differences: Float[ndarray, "maze head"], *, layouts: Int64[ndarray, " maze"] | None = None, seed: int = 0
) -> list[Interval]:
    """Return each head's mean over the mazes that have a value, with its 95 % interval over layouts."""
    present = np.isfinite(differences)
    values = np.where(present, differences, 0.0).astype(np.float64)
    return bootstrap_ratios(values, present.astype(np.float64), layouts, seed=stream_key(seed, "head_means"))


def _by_layout(differences: ndarray, layouts: ndarray | None) -> tuple[ndarray, ndarray]:
    """Return the sums over each layout's mazes, [layout, head], and how many of them have a value."""
    kept, present = np.nan_to_num(differences).astype(np.float64), np.isfinite(differences).astype(np.float64)
    return (kept, present) if layouts is None else (sums_by_layout(layouts, kept), sums_by_layout(layouts, present))


def _signs(num: int, flips: int, seed: int) -> ndarray:
    """Return Float64[flips, num] of -1 and 1."""
    return numpy_generator(seed, "sign_flips").integers(0, 2, (flips, num)) * 2.0 - 1.0


def _p_values(sums: ndarray, signs: ndarray, counts: ndarray | float = 1.0) -> ndarray:
    weighted = sums * np.reshape(counts, (-1, 1))
    norms = np.sqrt((weighted**2).sum(axis=0))
    scaled = np.divide(weighted, norms, out=np.zeros_like(weighted), where=norms > 0)
    # a head without any difference must not beat the others by standing still
    highest = np.where(norms > 0, signs @ scaled, -np.inf).max(axis=1, initial=-np.inf)
    reached = (highest[:, None] >= scaled.sum(axis=0) - _ROUNDING).sum(axis=0)
    return np.where(norms > 0, (1 + reached) / (1 + len(signs)), 1.0)


def _selected(
    sums: ndarray, present: ndarray, threshold: float, signs: ndarray, counts: ndarray | float = 1.0
) -> ndarray:
    each = np.reshape(counts, (-1, 1))
    means = (sums * each).sum(axis=0) / np.maximum((present * each).sum(axis=0), 1)
    return (means > threshold) & (_p_values(sums, signs, counts) <= LEVEL)


def _jaccard(first: ndarray, second: ndarray) -> float:
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0
