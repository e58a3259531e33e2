"""Streams: independent of one another, and the same on every machine."""

import numpy as np
import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.seeding import numpy_generator, stream_key


def test_keys_are_the_same_everywhere() -> None:
    assert stream_key(0, "mazes") == 3795119497941852380
    assert stream_key(7, "dice", 3) == 3036699170088670903


def test_generators_are_the_same_everywhere() -> None:
    assert numpy_generator(0, "init").integers(0, 1000, 4).tolist() == [483, 328, 750, 59]


def test_seed_and_every_name_matter() -> None:
    keys = [stream_key(0), stream_key(1), stream_key(0, "a"), stream_key(0, "b"), stream_key(0, "a", "b")]
    keys += [stream_key(0, "b", "a"), stream_key(0, "ab"), stream_key(0, "a", 1), stream_key(2**64 - 1)]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key < 2**64 for key in keys)


@pytest.mark.parametrize("seed", [-1, 2**64, 2**70])
def test_seeds_out_of_range_are_refused(seed: int) -> None:
    with pytest.raises(ConfigurationError, match=f"seed is {seed}: expected a whole number"):
        stream_key(seed)


def test_names_do_not_run_together() -> None:
    assert stream_key(1, "23") != stream_key(12, "3")
    assert stream_key(0, "init", "layer") != stream_key(0, "initlayer")


def test_streams_are_uncorrelated() -> None:
    names = ["mazes", "init", "batches", "dice", "q_learning", "mazes2"]
    draws = np.stack([numpy_generator(0, name).standard_normal(4000) for name in names])
    correlation = np.corrcoef(draws) - np.eye(len(names))
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


def test_using_one_stream_does_not_shift_another() -> None:
    alone = numpy_generator(3, "batches").random(5)
    batches, dice = numpy_generator(3, "batches"), numpy_generator(3, "dice")
    mixed = [(dice.random(7), batches.random())[1] for _ in range(5)]
    assert mixed == alone.tolist()
