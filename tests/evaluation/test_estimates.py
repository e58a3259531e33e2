import numpy as np
import pytest

from maze_rl.evaluation.estimates import mean_estimates, rate
from maze_rl.intervals import wilson


def test_rate_of_different_layouts_is_that_of_wilson() -> None:
    found = rate(np.arange(50) < 30, np.arange(50, dtype=np.uint64))
    assert (found.value, found.low, found.high) == pytest.approx(wilson(30, 50))
    assert (found.num, found.layouts, found.effective) == (50, 50, 50.0)


def test_rate_of_few_layouts_is_wider() -> None:
    found = rate(np.arange(50) < 30, (np.arange(50) // 10).astype(np.uint64))
    assert (found.num, found.layouts) == (50, 5)
    assert found.effective is not None
    assert found.effective < 5
    assert found.low < wilson(3, 5).low


def test_means_count_the_layouts_that_have_what_is_asked() -> None:
    layouts = np.array([5, 5, 8, 9], np.uint64)
    ones, forks, nothing = np.ones(4), np.array([2.0, 1, 0, 0]), np.zeros(4)
    found = mean_estimates(
        {"all": (0.0, 1.0), "forks": (0.0, np.inf), "none": (0.0, 1.0)},
        np.stack([[0, 1, 1, 0], forks / 2, nothing], axis=1),
        np.stack([ones, forks, nothing], axis=1),
        layouts,
        0,
    )
    everything, at_forks = found["all"], found["forks"]
    assert everything is not None
    assert at_forks is not None
    assert (everything.value, everything.num, everything.layouts) == (0.5, 4, 3)
    assert 0 <= everything.low < 0.5 < everything.high <= 1
    # Both forks are in one layout: nothing is known of another's.
    assert (at_forks.value, at_forks.low, at_forks.high, at_forks.num, at_forks.layouts) == (0.5, 0.0, np.inf, 3, 1)
    assert found["none"] is None
