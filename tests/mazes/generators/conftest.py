"""Trees as numbers, so that they can be counted and compared with a law."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from scipy.stats import chisquare


@pytest.fixture
def codes() -> Callable[[np.ndarray], np.ndarray]:
    """Name each row of Bool[batch, 2, rows, cols] by one integer: bit i is its i-th connection."""

    def encode(connections: np.ndarray) -> np.ndarray:
        flat = connections.reshape(len(connections), -1)
        return flat @ (1 << np.arange(flat.shape[1], dtype=np.int64))

    return encode


@pytest.fixture
def code_of_edges() -> Callable[..., int]:
    """Name a set of edges (pairs of cells) of a grid as `codes` does."""

    def encode(edges: Iterable[frozenset], rows: int, cols: int) -> int:
        code = 0
        for edge in edges:
            (row, col), (next_row, _) = sorted(edge)
            direction = 0 if next_row > row else 1
            code |= 1 << (direction * rows * cols + row * cols + col)
        return code

    return encode


@pytest.fixture
def fit(codes: Callable, code_of_edges: Callable) -> Callable[..., float]:
    """Return the p-value of carved mazes under an exact law over sets of edges; -1 if one is impossible under it."""

    def p_value(connections: np.ndarray, law: dict[frozenset, float]) -> float:
        rows, cols = connections.shape[2:]
        assert sum(law.values()) == pytest.approx(1)
        chances = {code_of_edges(tree, rows, cols): chance for tree, chance in law.items()}
        drawn, found = np.unique(codes(connections), return_counts=True)
        if not set(drawn.tolist()) <= chances.keys():
            return -1.0
        counts = dict(zip(drawn.tolist(), found.tolist(), strict=True))
        expected = {tree: chance * len(connections) for tree, chance in chances.items()}
        common = [tree for tree, number in expected.items() if number >= 10]
        pairs = [(counts.get(tree, 0), expected[tree]) for tree in common]
        rest = len(connections) - sum(pair[0] for pair in pairs), len(connections) - sum(pair[1] for pair in pairs)
        if rest[1] > 5:  # rare trees are taken together
            pairs.append(rest)
        observed, wanted = np.array(pairs, float).T
        return float(chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue)

    return p_value
