"""Weights in eight bits, for checkpoints that are kept small: every row of a matrix as whole numbers and one scale.

    w[r, c] ~ scale[r] * q[r, c],   q in -127 .. 127,   scale[r] = max over c of |w[r, c]| / 127

(symmetric, row by row; Jacob et al. 2018, arXiv 1712.05877, with zero point 0). An entry is off by half a
scale at most. Vectors stay as they are, in half precision: they are few.
"""

import torch
from torch import Tensor

_SCALE = ".scale"
"""Ending of the name under which the scales of a tensor stand."""
_MOST = 127


def to_eight_bits(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what files hold of `weights`: int8 with one float32 scale per row (last axis), vectors as float16."""
    stored: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight.ndim < 2:
            stored[name] = weight.half()
            continue
        scale = weight.float().abs().amax(dim=-1, keepdim=True) / _MOST
        # a row of zeros has no scale: any will do
        stored[name] = (weight / scale.clamp(min=torch.finfo(torch.float32).tiny)).round().to(torch.int8)
        stored[name + _SCALE] = scale
    return stored


def from_eight_bits(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights that `to_eight_bits` stored, float32; what was not stored so comes back as it is."""
    scaled = {name for name, weight in stored.items() if weight.dtype == torch.int8}
    return {
        name: weight * stored[name + _SCALE] if name in scaled else weight
        for name, weight in stored.items()
        if not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in scaled)
    }
