"""An unembedding of the words of a path alone: cells or moves, and the end.

All other words stand in prompts only. Their columns of ``W_U`` are zero and their biases low, so that they are never
predicted; the loss needs no logits of them. ``b_U`` is fixed, not trained.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.tokenization.layouts import Layout

NEVER = -100.0
"""Logit of a word that is never written: low enough for a probability of zero, near enough to keep sums exact."""


class PathColumns(nn.Module):
    """Maps the columns of the words of a path to all of ``W_U``, zero elsewhere."""

    written: Int64[Tensor, " written"]

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.words = len(layout.words)
        self.register_buffer("written", torch.from_numpy(layout.written_ids), persistent=False)

    def right_inverse(self, full: Float[Tensor, "d_model d_vocab"]) -> Float[Tensor, "d_model written"]:
        """Return the columns that are trained."""
        return full[:, self.written].contiguous()

    def forward(self, columns: Float[Tensor, "d_model written"]) -> Float[Tensor, "d_model d_vocab"]:
        """Return the full matrix."""
        return columns.new_zeros(len(columns), self.words).index_copy(1, self.written, columns)


class WrittenAlone(nn.Module):
    """Sets the columns of all words that are not of a path to zero again, where sums of factors have filled them."""

    written: Int64[Tensor, " written"]

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.register_buffer("written", torch.from_numpy(layout.written_ids), persistent=False)

    def forward(self, full: Float[Tensor, "d_model d_vocab"]) -> Float[Tensor, "d_model d_vocab"]:
        """Return the columns of written words, and zero elsewhere."""
        return torch.zeros_like(full).index_copy(1, self.written, full[:, self.written])


def write_path_alone(model: HookedTransformer, layout: Layout) -> None:
    """Let a model predict the words of a path alone."""
    with torch.no_grad():
        model.unembed.b_U.fill_(NEVER)
        model.unembed.b_U[torch.from_numpy(layout.written_ids)] = 0.0
    model.unembed.b_U.requires_grad_(False)
    parametrize.register_parametrization(model.unembed, "W_U", PathColumns(layout))
