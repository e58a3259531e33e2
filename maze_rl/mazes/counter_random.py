"""Counter-based random numbers inside compiled kernels.

Value n of stream i is ``mix64(key_i + n * GOLDEN)`` with ``key_i = mix64(mix64(key) + mix64(i + 1))``: a pure
function of (key, i, n), so maze i comes out the same serially, in shards, or asked for by itself. `mix64`
is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
"""

from typing import no_type_check

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_ONE = np.uint64(1)
_LOW_32 = np.uint64(0xFFFFFFFF)


@njit(inline="always")
@no_type_check
def mix64(value):
    """Scramble 64 bits so that neighbouring inputs give unrelated outputs."""
    value = (value ^ (value >> _30)) * _MIX_1
    value = (value ^ (value >> _27)) * _MIX_2
    return value ^ (value >> _31)


@njit(cache=True)
@no_type_check
def start_stream(state, key, index):
    """Point `state` (UInt64[2]: key, counter) at stream `index` of `key`."""
    state[0] = mix64(mix64(np.uint64(key)) + mix64(np.uint64(index) + _ONE))
    state[1] = np.uint64(0)


@njit(inline="always")
@no_type_check
def next_bits(state):
    """Return the next 64 random bits of `state`."""
    state[1] += _ONE
    return mix64(state[0] + state[1] * _GOLDEN)


@njit(inline="always")
@no_type_check
def scaled(bits, bound):
    """Scale the upper 32 of 64 random bits to an integer uniform on [0, bound)."""
    return np.int64(((bits >> _32) * np.uint64(bound)) >> _32)


@njit(inline="always")
@no_type_check
def below(state, bound):
    """Return an integer uniform on [0, bound), 1 <= bound < 2^32 (Lemire 2019, bias below bound / 2^32)."""
    return scaled(next_bits(state), bound)


@njit(cache=True)
@no_type_check
def below_exact(state, bound):
    """Return a UInt64 uniform on [0, bound) without any bias, for any bound >= 1 (mask and reject)."""
    mask = np.uint64(bound) - _ONE
    for shift in (1, 2, 4, 8, 16, 32):
        mask |= mask >> np.uint64(shift)
    while True:
        value = next_bits(state) & mask
        if value < np.uint64(bound):
            return value


@njit(inline="always")
@no_type_check
def uniform(state):
    """Return a float64 uniform on [0, 1) with 53 random bits."""
    return np.float64(next_bits(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
