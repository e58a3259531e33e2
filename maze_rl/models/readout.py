"""Logits at chosen positions only: the unembedding is computed where a loss is taken, nowhere else."""

from jaxtyping import Bool, Float, Int64
from torch import Tensor
from transformer_lens import HookedTransformer


def logits_at(
    model: HookedTransformer, tokens: Int64[Tensor, "batch pos"], chosen: Bool[Tensor, "batch pos"]
) -> Float[Tensor, "rows d_vocab"]:
    """Return the next-token logits at the `chosen` positions, in row-major order of (batch, pos)."""
    residual = model(tokens, stop_at_layer=model.cfg.n_layers)
    return model.unembed(model.ln_final(residual[chosen][None]))[0]
