"""Counter-based random numbers: known bits, no bias, streams that do not follow one another."""

import numpy as np
import pytest
from numba import njit
from scipy.stats import chisquare

from maze_rl.mazes.counter_random import below, below_exact, mix64, next_bits, start_stream, uniform
from maze_rl.seeding import stream_key


@njit
def draw(key, index, bound, num, kind):
    state = np.empty(2, np.uint64)
    start_stream(state, key, index)
    out = np.empty(num, np.float64)
    for i in range(num):
        if kind == 0:
            out[i] = below(state, bound)
        elif kind == 1:
            out[i] = below_exact(state, bound)
        else:
            out[i] = uniform(state)
    return out


@njit
def bits(key, index, num):
    state = np.empty(2, np.uint64)
    start_stream(state, key, index)
    out = np.empty(num, np.uint64)
    for i in range(num):
        out[i] = next_bits(state)
    return out


@njit
def mixed(value):
    return mix64(value)


def test_mix64_is_the_finalizer_of_splitmix64() -> None:
    # first outputs of SplitMix64 seeded with 0, as published with its reference code
    golden = 0x9E3779B97F4A7C15
    states = [np.uint64(golden * n % 2**64) for n in (1, 2, 3)]
    assert [int(mixed(state)) for state in states] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("bound", [1, 2, 3, 7, 100])
def test_integers_are_uniform(kind: int, bound: int) -> None:
    values = draw(np.uint64(5), 0, bound, 20_000, kind).astype(int)
    assert values.min() >= 0
    assert values.max() < bound
    assert chisquare(np.bincount(values, minlength=bound)).pvalue > 1e-4 or bound == 1


def test_floats_are_uniform() -> None:
    values = draw(np.uint64(5), 1, 1, 20_000, 2)
    assert 0 <= values.min() < 0.001
    assert 0.999 < values.max() < 1
    assert chisquare(np.histogram(values, 50, (0, 1))[0]).pvalue > 1e-4


def test_neighbouring_streams_and_keys_share_nothing() -> None:
    keys = [np.uint64(stream_key(seed, "mazes")) for seed in range(4)]
    streams = np.stack([bits(key, index, 200) for key in keys for index in range(50)])
    assert len(np.unique(streams)) == streams.size


def test_bits_are_balanced_across_streams() -> None:
    first = np.array([bits(np.uint64(1), index, 1)[0] for index in range(4000)])
    ones = np.unpackbits(first.view(np.uint8)).reshape(4000, 64).mean(axis=0)
    assert np.abs(ones - 0.5).max() < 5 * 0.5 / np.sqrt(4000)
