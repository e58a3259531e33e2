"""The bins hold every length, and a length has one place whatever else was measured."""

import numpy as np

from maze_rl.evaluation.length_bins import LENGTH_BINS, bins_up_to, place_of


def test_bins_end_at_the_longest_path() -> None:
    assert bins_up_to(np.array([3, 130]))[-1] == (97, 130)
    assert bins_up_to(np.array([3]))[-1] == (97, 97)


def test_a_length_has_the_place_of_its_bin() -> None:
    assert [place_of(low) for low, _ in LENGTH_BINS] == list(range(9))
    assert [place_of(high) for _, high in LENGTH_BINS] == list(range(9))
    assert place_of(97) == place_of(500) == 9
