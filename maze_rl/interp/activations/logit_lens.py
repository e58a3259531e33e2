"""Logit lens: what the model would answer if it stopped after each layer.

The residual stream at the decision, as it is after the embedding and after every layer, goes through the final layer
norm and the unembedding (nostalgebraist 2020, interpreting GPT: the logit lens).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.activations.probe_sites import streams_at
from maze_rl.intervals import Interval, bootstrap_ratios, clustered_wilson
from maze_rl.models.readout import unembedded


@dataclass(frozen=True, kw_only=True)
class LogitLens(Shown):
    """Answers layer by layer; layer 0 is the embedding, layer l what block l - 1 leaves."""

    names: tuple[str, ...]
    """embedding, layer 0, layer 1, ...: after which part."""
    logit_differences: Float64[ndarray, "pair layer"]
    """logit(right) - logit(wrong)."""
    is_right: Bool[ndarray, "pair layer"]
    """The right token has the largest logit among the options."""
    layouts: Int64[ndarray, " pair"] | None = None
    """Layout of each maze; None where each is taken to have its own."""

    def mean_differences(self, seed: int = 0) -> list[Interval]:
        """Return each layer's mean logit difference with its bootstrap interval over layouts."""
        ones = np.ones_like(self.logit_differences)
        return bootstrap_ratios(self.logit_differences, ones, self.layouts, seed=seed)

    def right_rates(self) -> list[Interval]:
        """Return each layer's rate of right answers with its Wilson interval over layouts."""
        layouts = np.arange(len(self.is_right)) if self.layouts is None else self.layouts
        return [clustered_wilson(layer, layouts) for layer in self.is_right.T]


@torch.no_grad()
def logit_lens(
    model: HookedTransformer,
    tokens: Int64[Tensor, "pair pos"],
    position: Int64[Tensor, " pair"],
    right: Int64[Tensor, " pair"],
    wrong: Int64[Tensor, " pair"],
    options: Int64[Tensor, "pair option"] | None = None,
    *,
    layouts: Int64[ndarray, " pair"] | None = None,
) -> LogitLens:
    """Read the logits at the decisions after every layer.

    Args:
        model: The network.
        tokens: Token ids, right-padded.
        position: The decision position of each row.
        right: The right token.
        wrong: The wrong token.
        options: Ids to choose among, the right one too, -1 where a row has fewer; None for right and wrong. On a tie
            the answer counts as wrong.
        layouts: Layout of each row's maze, which intervals count; None where each is taken to have its own.
    """
    device = model.W_U.device
    logits = unembedded(model, streams_at(model, tokens, position).to(device))
    right, wrong = right.to(device), wrong.to(device)
    others = wrong[:, None] if options is None else options.to(device)
    rival = others.clamp(min=0)[:, None].expand(-1, logits.shape[1], -1)
    left_out = (others < 0) | (others == right[:, None])
    best_rival = logits.gather(2, rival).masked_fill(left_out[:, None], -torch.inf).amax(dim=-1)
    answer = _column(logits, right)
    return LogitLens(
        names=("embedding", *(f"layer {layer}" for layer in range(model.cfg.n_layers))),
        logit_differences=(answer - _column(logits, wrong)).double().cpu().numpy(),
        is_right=(answer > best_rival).cpu().numpy(),
        layouts=layouts,
    )


def _column(logits: Tensor, token: Int64[Tensor, " pair"]) -> Tensor:
    """Return every row's logits of its token, [pair, layer]."""
    return logits.gather(2, token[:, None, None].expand(-1, logits.shape[1], 1))[..., 0]
