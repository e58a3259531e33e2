"""Direct logit attribution: the logit difference at the decision as an exact sum over the model's components.

The final residual stream is a sum x = sum_c x_c of the embeddings, heads, biases b_O and MLPs; in a model with loops it
is one of what the earlier loops left (after the norm between loops), the recalled embedding, and the parts of the last
loop. With the scale s of the final layer norm frozen as it is in the run,

    LD = sum_c ((x_c - mean(x_c)) / s * w) . u  +  b . u  +  b_U[right] - b_U[wrong],  u = W_U[:, right] - W_U[:, wrong]

where w and b are the norm's gain and shift; without a norm the first term is x_c . u. Nothing is folded. "Direct" says
that what a component does to others is not counted (Elhage et al. 2021, A Mathematical Framework for Transformer
Circuits; Wang et al. 2022, arXiv 2211.00593).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import ActivationCache, HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.residual_replay import Readout
from maze_rl.interp.activations.single_blocks import at_decision
from maze_rl.interp.requirements import require_no_hooks, require_plain_blocks
from maze_rl.intervals import Interval, bootstrap_ratios
from maze_rl.models.readout import begins_loop
from maze_rl.models.stock_fields import Values, found_among

_BENT: Values = {"output_logits_soft_cap": None, "final_rms": None}
_KEPT = ("hook_embed", "hook_pos_embed", "recall.hook_norm", "hook_z", "hook_mlp_out", "ln_final.hook_scale")


@dataclass(frozen=True, kw_only=True)
class LogitAttribution(Shown):
    """Every component's part of the logit difference."""

    names: tuple[str, ...]
    """embed, pos_embed, L0H0 ..., L0 b_O, L0 mlp, ..., ln_final b, b_U: those the model has. With several loops
    earlier loops, embed, and from there the layers of the last loop."""
    contributions: Float64[ndarray, "pair component"]
    """They add up to the logit difference."""
    layouts: Int64[ndarray, " pair"] | None = None
    """Layout of each maze; None where each is taken to have its own."""

    def intervals(self, seed: int = 0) -> list[Interval]:
        """Return the mean of every component with its bootstrap interval over layouts."""
        return bootstrap_ratios(self.contributions, np.ones_like(self.contributions), self.layouts, seed=seed)


@torch.no_grad()
def logit_attribution(
    model: HookedTransformer,
    tokens: Int64[Tensor, "pair pos"],
    position: Int64[Tensor, " pair"],
    right: Int64[Tensor, " pair"],
    wrong: Int64[Tensor, " pair"],
    *,
    layouts: Int64[ndarray, " pair"] | None = None,
) -> LogitAttribution:
    """Split logit(right) - logit(wrong) at the decision positions.

    Args:
        model: The network; its normalization is LN, LNPre or None.
        tokens: Token ids, right-padded.
        position: The decision position of each row.
        right: The token whose logit counts.
        wrong: The token whose logit is subtracted.
        layouts: Layout of each row's maze, which intervals count; None where each is taken to have its own.

    Raises:
        ConfigurationError: The model has another normalization, hooks or blocks of another kind: then the stream is no
            sum of all parts.
    """
    require_plain_blocks(model, "direct logit attribution")
    require_no_hooks(model, "direct logit attribution")
    norm = model.cfg.normalization_type
    if norm not in ("LN", "LNPre", None):
        raise ConfigurationError(f"normalization is {norm}: attribution knows LN, LNPre and None.")
    if bent := found_among(model.cfg, _BENT):
        raise ConfigurationError(
            f"direct logit attribution relies on logits that are sums, and this model has {bent[0]}: use a model "
            "without, or patch activations."
        )
    cache = model.run_with_cache(tokens.to(model.W_E.device), names_filter=lambda name: name.endswith(_KEPT))[1]
    names, written = _written(model, cache, position)
    readout = Readout(model, right, wrong)
    direction = readout.direction
    constants = {}
    if norm is not None:
        written = (written - written.mean(dim=-1, keepdim=True)) / at_decision(cache["ln_final.hook_scale"], position)
    if norm == "LN":
        ln_final: Any = model.ln_final
        constants["ln_final b"] = direction @ ln_final.b
        direction = direction * ln_final.w
    constants["b_U"] = readout.bias
    parts = torch.cat([(written * direction).sum(dim=-1), torch.stack(list(constants.values()))])
    contributions = parts.T.double().cpu().numpy()
    return LogitAttribution(names=(*names, *constants), contributions=contributions, layouts=layouts)


def _written(
    model: HookedTransformer, cache: ActivationCache, position: Int64[Tensor, " pair"]
) -> tuple[list[str], Float[Tensor, "component pair d_model"]]:
    """Return what each component writes to the residual stream at the decisions."""
    here = {name: at_decision(value, position) for name, value in cache.items()}
    first = next(layer for layer in reversed(range(model.cfg.n_layers)) if layer == 0 or begins_loop(model, layer))
    if first == 0:
        written = {name: here[f"hook_{name}"] for name in ("embed", "pos_embed") if f"hook_{name}" in here}
    else:
        recall = f"blocks.{first}.recall.hook_"
        written = {"earlier loops": here[f"{recall}norm"], "embed": here[f"{recall}embed"]}
    for layer in range(first, model.cfg.n_layers):
        attention: Any = model.blocks[layer].attn
        heads = torch.einsum("phd,hdm->hpm", here[f"blocks.{layer}.attn.hook_z"], attention.W_O)
        written |= {f"L{layer}H{head}": value for head, value in enumerate(heads)}
        written[f"L{layer} b_O"] = attention.b_O.expand_as(heads[0])
        if not model.cfg.attn_only:
            written[f"L{layer} mlp"] = here[f"blocks.{layer}.hook_mlp_out"]
    return list(written), torch.stack(list(written.values()))
