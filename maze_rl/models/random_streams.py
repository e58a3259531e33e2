"""Torch generators of named streams, so that what one part draws never shifts what another does."""

import torch

from maze_rl.seeding import stream_key


def torch_generator(seed: int, *names: str) -> torch.Generator:
    """Return a generator for the stream `names` of `seed`."""
    return torch.Generator().manual_seed(torch_seed(seed, *names))


def torch_seed(seed: int, *names: str) -> int:
    """Return the key of the stream `names` of `seed`, as a number torch takes."""
    return stream_key(seed, *names) >> 1
