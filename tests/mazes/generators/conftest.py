"""Trees as numbers, so that they can be counted."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest


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
