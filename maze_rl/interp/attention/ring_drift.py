"""Does a ring number rise with the layers? Rank correlation and slope of each maze, over the layers that have a ring.

Spearman's correlation is Pearson's of the mid-ranks. A rank knows no size, so that two things are said beside it: rings
closer than a quarter step count as level, and a gaze that leaps once and then rests or falls back follows nothing. Its
*advance* is the mean step from layer to layer, where a step counts for one ring at most.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

FEWEST_LAYERS = 4
"""Layers of the shortest range: over fewer the chance of a perfect order is more than 1 in 24."""
LEAST_ADVANCE = 0.4
"""Rings per layer under which a maze's correlation is 0: a single leap within four layers makes 1 / 3."""
_LEVEL = 0.25


def ring_correlations(rings: Float[ndarray, "maze layer"]) -> Float[ndarray, " maze"]:
    """Return Spearman's correlation of layer and ring for each maze.

    Returns:
        -1 to 1; 0 where fewer than three layers have a ring, or it advances by less than `LEAST_ADVANCE`.
    """
    present = np.isfinite(rings)
    values = np.where(present, rings, 0.0)
    pairs = present[:, :, None] & present[:, None, :]
    gaps = values[:, :, None] - values[:, None, :]
    # the sum of signs against all others is twice the centred mid-rank
    ranks = (np.sign(gaps) * (np.abs(gaps) >= _LEVEL) * pairs).sum(axis=2)
    layers = np.arange(rings.shape[1])
    order = (np.sign(layers[:, None] - layers) * pairs).sum(axis=2)
    spread = np.sqrt((ranks**2).sum(axis=1) * (order**2).sum(axis=1))
    found = np.divide((ranks * order).sum(axis=1), spread, out=np.zeros(len(rings)), where=spread > 0)
    return np.where((present.sum(axis=1) >= 3) & (_advance(rings) >= LEAST_ADVANCE), found, 0.0)


def ring_slopes(rings: Float[ndarray, "maze layer"]) -> Float[ndarray, " maze"]:
    """Return each maze's rings per layer by least squares; nan where fewer than three layers have a ring."""
    present = np.isfinite(rings)
    num = np.maximum(present.sum(axis=1, keepdims=True), 1)
    layers = np.where(present, np.arange(rings.shape[1]), 0.0)
    centred = np.where(present, layers - layers.sum(axis=1, keepdims=True) / num, 0.0)
    spread = (centred**2).sum(axis=1)
    slopes = (centred * np.nan_to_num(rings)).sum(axis=1) / np.where(spread > 0, spread, 1.0)
    return np.where(present.sum(axis=1) >= 3, slopes, np.nan)


def best_range(rings: Float[ndarray, "maze layer"], control: Float[ndarray, "maze layer"]) -> tuple[slice, float]:
    """Return the range of layers where rings rise most surely beyond the control's, and how surely they do.

    A maze's difference of correlations is weighted by sqrt(layers - 1), the inverse of what chance alone makes
    Spearman's correlation vary; a wave that runs through many layers thus beats a lucky few. Only layers with a ring
    are counted.
    """
    num = rings.shape[1]
    shortest = min(FEWEST_LAYERS, num)
    ranges = [slice(first, stop) for first in range(num) for stop in range(first + shortest, num + 1)]

    def sureness(layers: slice) -> float:
        inside, matched = rings[:, layers], control[:, layers]
        counted = np.maximum(np.isfinite(inside).sum(axis=1) - 1, 0)
        difference = ring_correlations(inside) - ring_correlations(matched)
        return float((difference * np.sqrt(counted)).mean())

    values = [sureness(layers) for layers in ranges]
    best = int(np.argmax(values))
    return ranges[best], values[best]


def _advance(rings: Float[ndarray, "maze layer"]) -> Float[ndarray, " maze"]:
    """Return the mean step between neighbouring layers, clipped to -1 and 1; 0 where one of them has no ring."""
    steps = np.diff(rings, axis=1)
    return np.clip(np.where(np.isfinite(steps), steps, 0.0), -1, 1).sum(axis=1) / max(1, steps.shape[1])
