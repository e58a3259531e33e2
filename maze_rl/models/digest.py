"""One number for all weights of a model, to tell whether two models are the same."""

import hashlib

from torch import nn

from maze_rl.models.verified_files import tensor_bytes


def weights_digest(model: nn.Module) -> str:
    """Return the SHA-256 of the state dict's names, shapes, types and bytes, 64 hexadecimal digits."""
    return hashlib.sha256(tensor_bytes(dict(sorted(model.state_dict().items())))).hexdigest()
