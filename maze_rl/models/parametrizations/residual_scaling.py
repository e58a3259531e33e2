"""Learned residual scaling (LMPlay's LRAdd): x <- alpha x + beta f(x), two scalars for every attention layer and MLP.

Layer norm does not see the scale of the residual stream. So the stream may as well be divided by the product of the
alphas so far, and the k-th sublayer then writes beta_k / (alpha_1 ... alpha_k) f_k(x) to it. That is how it is computed
here, as factors of ``W_O``, ``b_O``, ``W_out`` and ``b_out``: the model trains in the form it folds to, so that every
activation is the same before and after folding. Against the form with scaled streams, whose activations are larger by
that product, it differs by the epsilon of the norms alone.

alpha and beta are 1 + spread tanh(w) with w = 0 at the start: exactly 1, never 0. (LMPlay: 0.4 + 1.1 sigmoid(w).)

Source: github.com/jmward01/lmplay (2024-2025), "LRAdd".
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.models.tied_parameters import own_blocks


class ResidualScales(nn.Module):
    """The scalars of all sublayers, in the order they write: attention, MLP, attention, ..."""

    def __init__(self, sublayers: int, spread: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.spread = spread
        self.keep = nn.Parameter(torch.zeros(sublayers, dtype=dtype))
        self.write = nn.Parameter(torch.zeros(sublayers, dtype=dtype))

    def alphas(self) -> Float[Tensor, " sublayers"]:
        """Return what each sublayer multiplies the residual stream by."""
        return 1 + self.spread * torch.tanh(self.keep)

    def betas(self) -> Float[Tensor, " sublayers"]:
        """Return what each sublayer multiplies its output by."""
        return 1 + self.spread * torch.tanh(self.write)

    def factor(self, sublayer: int) -> Float[Tensor, ""]:
        """Return beta_k over the product of all alphas up to its own."""
        return self.betas()[sublayer] / self.alphas()[: sublayer + 1].prod()


class ScaledWrite(nn.Module):
    """Multiplies a weight or bias that writes to the residual stream."""

    def __init__(self, scales: ResidualScales, sublayer: int) -> None:
        super().__init__()
        # in a tuple, so that the scalars belong to the model alone and are saved once
        self._scales = (scales,)
        self._sublayer = sublayer

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight, scaled."""
        return weight * self._scales[0].factor(self._sublayer)


def scale_residuals(model: HookedTransformer, spread: float) -> None:
    """Scale what every sublayer writes; the scalars are ``model.residual_scales``."""
    blocks = own_blocks(model)
    scales = ResidualScales(2 * len(blocks), spread, model.cfg.dtype)
    model.add_module("residual_scales", scales)
    for layer, block in enumerate(blocks):
        for place, (module, names) in enumerate(((block.attn, ("W_O", "b_O")), (block.mlp, ("W_out", "b_out")))):
            for name in names:
                scaled = ScaledWrite(scales, 2 * layer + place)
                parametrize.register_parametrization(module, name, scaled)  # type: ignore[arg-type]
