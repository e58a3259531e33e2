"""The bins of path lengths: the same in every evaluation, so that those of several can be laid side by side."""

import numpy as np
from jaxtyping import Int
from numpy import ndarray

LENGTH_BINS = ((1, 4), (5, 8), (9, 12), (13, 16), (17, 24), (25, 32), (33, 48), (49, 64), (65, 96))
"""Steps of a shortest path, inclusive; what is longer falls into one more bin, up to the longest seen."""


def bins_up_to(lengths: Int[ndarray, " maze"]) -> list[tuple[int, int]]:
    """Return the length bins; the last one ends at the longest path."""
    last = LENGTH_BINS[-1][1] + 1
    return [*LENGTH_BINS, (last, max(last, int(lengths.max(initial=0))))]


def place_of(low: int) -> int:
    """Return which bin a length falls into, counted from 0."""
    return int(np.searchsorted([first for first, _ in bins_up_to(np.zeros(0, np.int64))], low, side="right")) - 1
