"""Linear probes: ridge regression in closed form, for many outputs at once, its strength chosen by leave-one-out.

A probe may stand on base features Z, which are taken out first. With R = I - (hat matrix of a ridge regression on Z
and a constant), weights w minimise (y - Xw)^T R (y - Xw) + c |w|^2, which is one ridge regression on (Z, X) with a
penalty of its own for each. With R^(1/2) X = U diag(s) V^T and G = R^(1/2) U,

    w = X^T G diag(1 / (s^2 + c)) G^T y,        residuals = E y,  E = R - G diag(s^2 / (s^2 + c)) G^T,

and the residual that leaving row i out would give is (E y)_i / E_ii (Allen's PRESS, 1974): one factorization serves
all outputs and strengths. Strengths are relative to the variance of the features before the base is taken out: what
the base leaves of features that lie in its span is rounding, and stays small.
"""

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown

STRENGTHS = 10.0 ** np.arange(-7, 5)
_NEGLIGIBLE = 1e-11
"""Squared singular values below this share of the squares of all features are rounding: streams are float32."""


class Base(Shown):
    """What a probe stands on: a constant, and base features with a ridge regression of fixed strength.

    Args:
        features: One row per maze; None for the constant alone.
        targets: What the strength is chosen for; not needed without features.
        num: Rows, where there are no features.
    """

    def __init__(self, features: ndarray | None, targets: ndarray | None = None, *, num: int = 0) -> None:
        self._probe: RidgeProbe | None = None
        num = num if features is None else len(features)
        self.root: Float64[ndarray, "row row"] = np.eye(num) - 1 / num
        """R^(1/2)."""
        self.residual: Float64[ndarray, "row row"] = self.root
        """R."""
        if features is not None:
            assert targets is not None
            self._probe = RidgeProbe(features)
            self.strength = self._probe.strength_for(targets)
            left, shrink = self._probe.factor, self._probe.shrinkage(self.strength)
            self.root = self.root - (left * (1 - np.sqrt(1 - shrink))) @ left.T
            self.residual = self.residual - (left * shrink) @ left.T

    def expected(self, others: ndarray | None, columns: ndarray, num: int) -> Float64[ndarray, "other column"]:
        """Predict columns for `num` other rows from their base features."""
        if self._probe is None or others is None:
            return np.tile(columns.mean(axis=0), (num, 1))
        return self._probe.predict(others, columns, self.strength)

    def left_out(self, columns: ndarray) -> Float64[ndarray, "row column"]:
        """Return each row's residual where the base predicts it from the others."""
        return self.residual @ columns / np.maximum(np.diag(self.residual), 1e-9)[:, None]


class RidgeProbe(Shown):
    """Ridge regression on one set of features; targets come later.

    Args:
        features: One row per maze; any scale, at least 2 rows.
        base: What the probe stands on; the constant if left out.
    """

    def __init__(self, features: ndarray, base: Base | None = None) -> None:
        self._base = Base(None, num=len(features)) if base is None else base
        self._features = np.asarray(features, np.float64)
        left, squares = _left_factor(self._base.root @ self._features)
        kept = squares > _NEGLIGIBLE * (self._features**2).sum()
        left, self._squares = left[:, kept], squares[kept]
        self.factor: Float64[ndarray, "row component"] = self._base.root @ left
        """G."""
        variance = ((self._features - self._features.mean(axis=0)) ** 2).sum()
        self._unit = float(variance) / min(self._features.shape)

    def shrinkage(self, strength: float) -> Float64[ndarray, " component"]:
        """Return s^2 / (s^2 + c)."""
        return self._squares / (self._squares + strength * self._unit)

    def strength_for(self, targets: Float64[ndarray, "row out"]) -> float:
        """Return the strength whose left-out residuals are least, over all outputs; the strongest of equals."""
        errors = [float((self.left_out(targets, strength) ** 2).sum()) for strength in STRENGTHS]
        return float(STRENGTHS[max(i for i, error in enumerate(errors) if error <= min(errors) * (1 + 1e-9))])

    def left_out(self, targets: ndarray, strength: float) -> Float64[ndarray, "row out"]:
        """Return each row's residual where it is predicted from the others."""
        shrink = self.shrinkage(strength)
        residual = self._base.residual @ targets - self.factor @ (shrink[:, None] * (self.factor.T @ targets))
        own = np.diag(self._base.residual) - (self.factor**2) @ shrink
        return residual / np.maximum(own, 1e-9)[:, None]

    def weights(self, targets: ndarray, strength: float) -> Float64[ndarray, "feature out"]:
        """Return w."""
        inner = (self.factor.T @ targets) / (self._squares + strength * self._unit)[:, None]
        return self._features.T @ (self.factor @ inner)

    def predict(
        self, features: ndarray, targets: ndarray, strength: float, base_features: ndarray | None = None
    ) -> Float64[ndarray, "other out"]:
        """Fit `targets` and return the predictions for other rows, given their features and base features."""
        weights = self.weights(targets, strength)
        rest = self._base.expected(base_features, targets - self._features @ weights, len(features))
        return rest + features @ weights


def within_maze_pairs(
    scores: Float64[ndarray, "maze column"],
    labels: Bool[ndarray, "maze column"],
    eligible: Bool[ndarray, "maze column"] | None = None,
) -> tuple[Float64[ndarray, " maze"], Float64[ndarray, " maze"]]:
    """Count, maze by maze, the pairs (true, false) of columns that the scores order rightly (ties count half).

    Returns:
        The rightly ordered pairs and all pairs; the ratio of their sums is the AUROC within mazes.
    """
    usable = np.ones_like(labels) if eligible is None else eligible
    right = np.zeros(len(scores))
    for row, (score, true, false) in enumerate(zip(scores, labels & usable, ~labels & usable, strict=True)):
        right[row] = (np.sign(score[true, None] - score[false]) + 1).sum() / 2
    return right, ((labels & usable).sum(axis=1) * (~labels & usable).sum(axis=1)).astype(np.float64)


def _left_factor(features: ndarray) -> tuple[ndarray, ndarray]:
    """Return U [row, k] and s^2 [k] of the singular value decomposition, from the smaller Gram matrix."""
    wide = len(features) <= features.shape[1]
    squares, vectors = np.linalg.eigh(features @ features.T if wide else features.T @ features)
    squares = np.maximum(squares, 1e-300)
    return (vectors if wide else features @ vectors / np.sqrt(squares)), squares
