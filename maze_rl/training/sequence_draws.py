"""What is drawn for a sequence depends on the seed and the sequence alone, whatever stands beside it in a batch."""

import hashlib

from jaxtyping import Int64
from numpy.random import Generator
from torch import Tensor

from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.layouts import PADDING


def generator_of(tokens: Int64[Tensor, " pos"], seed: int, purpose: str) -> Generator:
    """Return the generator of a sequence, which may be padded, for one purpose."""
    sequence = tokens[tokens != PADDING].numpy().tobytes()
    key = int.from_bytes(hashlib.blake2b(sequence, digest_size=7).digest(), "little")
    return numpy_generator(seed, purpose, key)
