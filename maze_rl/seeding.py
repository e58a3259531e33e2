"""One seed, many named and independent random streams.

A stream is named after what it drives (``mazes``, ``init``, ``dice`` ...), so that switching one consumer
of randomness on or off never shifts another. Keys are 64-bit digests of (seed, names); a counter-based
kernel continues from a key with (key, counter), see `maze_rl.mazes.counter_random`.
"""

import hashlib

import numpy as np

from maze_rl.plain_numbers import check_seed


def stream_key(seed: int, *names: str | int) -> int:
    """Return the 64-bit key of the stream `names` of `seed`; the same on every machine.

    Raises:
        ConfigurationError: The seed is no whole number from 0 to 2^64 - 1.
    """
    text = "\x1f".join([str(check_seed(seed)), *map(str, names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator for the stream `names` of `seed`."""
    return np.random.Generator(np.random.Philox(stream_key(seed, *names)))
