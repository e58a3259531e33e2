"""The ridge regression on folds is the one that its formula says."""

import numpy as np
import pytest

from maze_rl.interp.probes.folded_ridge import NUM_FOLDS, STRENGTHS, FoldedRidge


def problem(seed: int, num: int = 200, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(num, 12)) * np.arange(1, 13) + 5
    targets = features[:, :3] @ random.normal(size=(3, 2)) + noise * random.normal(size=(num, 2)) + 7
    return features, targets, random.integers(0, NUM_FOLDS, num)


def naive(features: np.ndarray, targets: np.ndarray, strength: float, num: int, moments: tuple) -> np.ndarray:
    """Weights of standardized features and a constant, from the rows themselves."""
    mean, spread = moments
    rows = np.concatenate([(features - mean) / spread, np.ones((len(features), 1))], axis=1)
    penalty = np.diag([strength * num / rows.shape[1]] * (rows.shape[1] - 1) + [0.0])
    return np.linalg.solve(rows.T @ rows + penalty, rows.T @ targets)


def test_its_weights_and_its_strength_are_those_of_the_rows() -> None:
    features, targets, folds = problem(0)
    moments = features.mean(axis=0), features.std(axis=0)
    ones = np.ones((len(features), 1))
    rows = np.concatenate([(features - moments[0]) / moments[1], ones], axis=1)
    errors = []
    for strength in STRENGTHS:
        error = 0.0
        for fold in range(NUM_FOLDS):
            out = folds == fold
            weights = naive(features[~out], targets[~out], strength, len(features), moments)
            error += ((targets[out] - rows[out] @ weights) ** 2).sum()
        errors.append(error)
    fitted = FoldedRidge(features, folds).fit(targets)
    assert fitted.strength == STRENGTHS[int(np.argmin(errors))]
    expected = rows @ naive(features, targets, fitted.strength, len(features), moments)
    assert fitted.predict(features) == pytest.approx(expected)


def test_noise_is_held_down_and_a_clean_map_is_found() -> None:
    features, targets, folds = problem(1, noise=0.0)
    assert FoldedRidge(features, folds).fit(targets).predict(features) == pytest.approx(targets, abs=1e-2)
    random = np.random.default_rng(2).normal(size=targets.shape)
    strong = FoldedRidge(features, folds).fit(random)
    assert strong.strength > 1
    assert np.abs(strong.predict(features) - random.mean(axis=0)).max() < 0.5


def test_a_feature_that_is_always_the_same_does_nothing() -> None:
    features, targets, folds = problem(3)
    more = np.concatenate([features, np.full((len(features), 1), 3.0)], axis=1)
    ridge = FoldedRidge(more, folds).fit(targets)
    assert ridge.weights[-1] == pytest.approx(0)
    assert np.isfinite(ridge.predict(more)).all()
