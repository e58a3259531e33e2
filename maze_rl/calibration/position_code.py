"""Positions as angles at falling frequencies, so that a head can look a fixed number of tokens back.

Position p is written as (cos, sin) of 2 pi p / 8^j for j = 1..J with 8^J at least the longest sequence. A query turned
back by k agrees with the key at p - k in all J angles; with any other key it loses at least 1 - cos(2 pi / 8) = 0.29 of
score, because two positions that agree modulo 8, 64, ... all the way up are the same.
"""

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

BASE = 8


def num_frequencies(longest: int) -> int:
    """Return how many frequencies tell `longest` positions apart."""
    count = 1
    while BASE**count < longest:
        count += 1
    return count


def position_code(longest: int) -> Float64[ndarray, "pos dims"]:
    """Return the code of positions 0 to `longest` - 1: cosine and sine for each frequency."""
    angles = np.arange(longest)[:, None] * _rates(num_frequencies(longest))
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(longest, -1)


def turn_back(steps: int, dims: int) -> Float64[ndarray, "dims dims"]:
    """Return M such that code(p) @ M = code(p - steps)."""
    matrix = np.zeros((dims, dims))
    for place, rate in enumerate(_rates(dims // 2)):
        cosine, sine = np.cos(rate * steps), np.sin(rate * steps)
        block = slice(2 * place, 2 * place + 2)
        matrix[block, block] = [[cosine, -sine], [sine, cosine]]
    return matrix


def _rates(count: int) -> ndarray:
    return 2 * np.pi / BASE ** np.arange(1, count + 1)
