"""The affine part of the value norm (LMPlay): v = gamma * (norm(x W_V + b_V) + beta), shared by the heads of a layer.

Attention's weights sum to 1, so gain and shift of the values may as well be applied after it: gamma scales the rows of
``W_O``, and beta times that, summed over heads, adds to ``b_O``. That is how it is computed here, so that it folds
exactly and every activation is the same before and after; `hook_v` and `hook_z` show values without gain and shift.
The shift stands inside the gain; with gamma beta for beta it is the usual affine map.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.models.tied_parameters import own_blocks


class ValueGain(nn.Module):
    """Scales ``W_O`` [head_index, d_head, d_model] along d_head."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(weight.shape[1], dtype=weight.dtype))

    def forward(self, weight: Tensor) -> Tensor:
        """Return gamma * W_O."""
        return weight * self.gamma[:, None]


class ValueShift(nn.Module):
    """Adds to ``b_O`` what a shift of all values writes through ``W_O``."""

    def __init__(self, attention: nn.Module, weight: Tensor) -> None:
        super().__init__()
        self._attention = (attention,)  # in a tuple: a module it belongs to, not one that belongs to it
        self.beta = nn.Parameter(torch.zeros(weight.shape[1], dtype=weight.dtype))

    def forward(self, bias: Tensor) -> Tensor:
        """Return b_O + sum over heads of beta W_O."""
        return bias + self.beta @ self._attention[0].W_O.sum(dim=0)  # type: ignore[operator, union-attr]


def add_value_affine(model: HookedTransformer) -> None:
    """Give the values of every attention layer gain and shift."""
    for block in own_blocks(model):
        attention: nn.Module = block.attn  # type: ignore[assignment]
        parametrize.register_parametrization(attention, "W_O", ValueGain(attention.W_O))  # type: ignore[arg-type]
        parametrize.register_parametrization(attention, "b_O", ValueShift(attention, attention.W_O))  # type: ignore[arg-type]
