"""Does a model's reach grow by a fixed step or double with every layer (attention score A4)?

With R_l the largest distance whose information is present by layer l, two lines are fitted by least squares,

    R = a + b l    (a wave: b steps per layer)        R = a + b 2^l    (path merging: reachable sets double),

and compared by AIC = n ln(RSS / n) + 2 k, k = 2 in both. Doubling of reachable sets: Saparov et al. (2025),
Transformers Struggle to Learn to Search.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from maze_rl.displays.short_repr import Shown

SMALLEST_GROWTH = 1.0
"""Steps by which R must rise in all for it to grow at all."""
CLEAR = 2.0
"""Difference of AIC under which neither line is preferred (Burnham & Anderson 2002)."""
_SMALLEST_RESIDUAL = 1e-6


@dataclass(frozen=True)
class LineFit(Shown):
    """One fitted line."""

    intercept: float
    slope: float
    aic: float
    """Lower is better."""


@dataclass(frozen=True)
class GrowthOfReach(Shown):
    """Both fits, and which one wins."""

    linear: LineFit | None
    """None where there are too few layers to fit."""
    doubling: LineFit | None
    winner: Literal["linear", "doubling", "unclear", "none"]
    """`none` where R does not grow, or there are fewer than four layers; `unclear` where the fits are level."""


def fit_growth(reach: Float[ndarray, " layer"]) -> GrowthOfReach:
    """Fit both laws to the reach by layer.

    Args:
        reach: R_l from the first layer on; nan where it is not known. Layers that only repeat the final plateau (the
            largest distance there is) say nothing about growth and are left out, but for the first of them.
    """
    layers = np.flatnonzero(np.isfinite(reach))
    values = np.asarray(reach, np.float64)[layers]
    grown = len(values) > 0 and values[-1] - values[0] >= SMALLEST_GROWTH
    if grown:
        rising = slice(0, int(np.argmax(values >= values.max())) + 1)
        layers, values = layers[rising], values[rising]
    if not grown or len(values) < 4:
        return GrowthOfReach(None, None, "none")
    linear, doubling = _fit(layers.astype(np.float64), values), _fit(2.0**layers, values)
    if max(linear.slope, doubling.slope) <= 0:
        return GrowthOfReach(linear, doubling, "none")
    gap = doubling.aic - linear.aic
    winner = "unclear" if abs(gap) < CLEAR else "linear" if gap > 0 else "doubling"
    return GrowthOfReach(linear, doubling, winner)


def _fit(x: ndarray, y: ndarray) -> LineFit:
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    intercept = float(y.mean() - slope * x.mean())
    # an exact fit would have an AIC of minus infinity
    residual = max(float(((y - intercept - slope * x) ** 2).mean()), _SMALLEST_RESIDUAL)
    return LineFit(intercept, slope, len(y) * float(np.log(residual)) + 4.0)
