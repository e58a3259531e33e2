"""Ridge regression on many rows, in closed form; its strength is chosen by leaving out groups of mazes.

Rows of one maze belong together, so a strength is judged by folds of whole layouts. With X'X and X'y of each fold, the
weights that the others give and their error on the fold need no pass over the rows:

    w_f = (X'X - X_f'X_f + c I)^-1 (X'y - X_f'y_f),    error_f = y_f'y_f - 2 w_f'X_f'y_f + w_f'X_f'X_f w_f.

Features are standardized, and a constant is fitted without penalty.
"""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown

STRENGTHS = 10.0 ** np.arange(-4, 5)
"""Penalties tried, for each row of standardized features."""
NUM_FOLDS = 5


class FoldedRidge(Shown):
    """Ridge regression on one set of features; targets come later.

    Args:
        features: One row for each case.
        folds: The fold of each row, 0 to `NUM_FOLDS` - 1.
    """

    def __init__(self, features: Float64[ndarray, "row feature"], folds: Int64[ndarray, " row"]) -> None:
        self._mean, spread = features.mean(axis=0), features.std(axis=0)
        self._spread = np.where(spread > 1e-9 * max(spread.max(initial=0), 1e-30), spread, np.inf)
        self._rows = [np.flatnonzero(folds == fold) for fold in range(NUM_FOLDS)]
        self._features = self._standard(features)
        self._grams = np.stack([self._features[rows].T @ self._features[rows] for rows in self._rows])

    def fit(self, targets: Float64[ndarray, "row out"]) -> "FittedRidge":
        """Fit all outputs with the one strength whose errors on the folds left out are least."""
        products = np.stack([self._features[rows].T @ targets[rows] for rows in self._rows])
        squares = np.array([(targets[rows] ** 2).sum() for rows in self._rows])
        errors = [self._error(strength, products, squares) for strength in STRENGTHS]
        strength = float(STRENGTHS[int(np.argmin(errors))])
        weights = self._solve(self._grams.sum(axis=0), products.sum(axis=0), strength)
        scaled = weights[:-1] / self._spread[:, None]
        return FittedRidge(scaled, weights[-1] - self._mean @ scaled, strength, left_out=min(errors))

    def _error(self, strength: float, products: ndarray, squares: ndarray) -> float:
        total = 0.0
        for gram, product, square in zip(self._grams, products, squares, strict=True):
            weights = self._solve(self._grams.sum(axis=0) - gram, products.sum(axis=0) - product, strength)
            total += float(square - 2 * (weights * product).sum() + (weights * (gram @ weights)).sum())
        return total

    def _solve(self, gram: ndarray, product: ndarray, strength: float) -> ndarray:
        penalty = np.full(len(gram), strength * len(self._features) / len(gram))
        penalty[-1] = 0.0
        return np.linalg.solve(gram + np.diag(penalty), product)

    def _standard(self, features: ndarray) -> Float64[ndarray, "row feature_and_one"]:
        scaled = (np.asarray(features, np.float64) - self._mean) / self._spread
        return np.concatenate([scaled, np.ones((len(scaled), 1))], axis=1)


class FittedRidge(Shown):
    """What a fit gives: predictions are ``features @ weights + constant``; `left_out` is its squared error on folds."""

    def __init__(
        self,
        weights: Float64[ndarray, "feature out"],
        constant: Float64[ndarray, " out"],
        strength: float,
        left_out: float = float("nan"),
    ) -> None:
        self.weights, self.constant, self.strength, self.left_out = weights, constant, strength, left_out

    def predict(self, features: Float64[ndarray, "row feature"]) -> Float64[ndarray, "row out"]:
        """Return the predictions for some rows."""
        return features @ self.weights + self.constant
