"""An exact change of basis of the residual stream, so that no analysis may lean on its axes.

Without layer norm a model computes the same in any orthonormal basis: what reads from the stream is multiplied by Q^T,
what writes to it by Q.
"""

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from maze_rl.seeding import numpy_generator

_READS = ("W_Q", "W_K", "W_V", "W_in", "W_U")
_WRITES = ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out")


def random_rotation(width: int, seed: int) -> Float64[ndarray, "width width"]:
    """Return an orthogonal matrix, uniformly distributed (QR of a Gaussian matrix with the signs of R put right)."""
    q, r = np.linalg.qr(numpy_generator(seed, "rotation").normal(size=(width, width)))
    return q * np.sign(np.diag(r))


def rotated(arrays: dict[str, ndarray], turn: ndarray) -> dict[str, ndarray]:
    """Return a model's arrays in the basis `turn`."""
    return {name: _rotated(name.rpartition(".")[2], array, turn) for name, array in arrays.items()}


def _rotated(kind: str, array: ndarray, turn: ndarray) -> ndarray:
    if kind in _READS:
        return np.swapaxes(np.swapaxes(array, -1, -2) @ turn, -1, -2)
    return array @ turn if kind in _WRITES else array
