"""Attention that looks backwards by distance (LMPlay's reverse positions).

    add:       score_ij = (q_i k_j + q_i P_h[i - j]) / sqrt(d_head)
    multiply:  score_ij = (q_i k_j) (q_i P_h[i - j]) / sqrt(d_head)

with learned P [head_index, n_ctx, d_head] from N(0, 1): position is what a key is to the query, counted from the query
back. Relative, so it does not see padding on the left. Multiplied, a distance can turn round what a query looks for,
and where q_i P_h is 0 it looks at nothing in particular.
Scores are computed by TransformerLens's own forward, which calls `calculate_attention_scores`; all hooks are its own.

Source: github.com/jmward01/lmplay (2024-2025), "apos1_0" and "apos1_1"; the idea of the first is that of Shaw et al.
(2018), Self-Attention with Relative Position Representations.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens import HookedTransformer

from maze_rl.models.fused_attention import FusedAttention


class ReversePositionAttention(FusedAttention):
    """Attention whose scores have a term, or a factor, for the distance between query and key."""

    fusable = False
    distances: nn.Parameter
    multiplies = False
    """Whether what the distance says is a factor of the score."""

    def calculate_attention_scores(
        self,
        q: Float[Tensor, "batch query_pos head_index d_head"],
        k: Float[Tensor, "batch key_pos head_index d_head"],
    ) -> Float[Tensor, "batch head_index query_pos key_pos"]:
        """Return the scores before masking; the last query stands at the last key."""
        queries, keys = q.shape[1], k.shape[1]
        by_distance = torch.einsum("bqhd,hnd->bhqn", q, self.distances[:, :keys])
        distance = torch.arange(keys - queries, keys, device=q.device)[:, None] - torch.arange(keys, device=q.device)
        index = distance.clamp(min=0).expand(*by_distance.shape[:2], -1, -1)  # later keys are masked anyway
        scores, far = super().calculate_attention_scores(q, k), by_distance.gather(3, index)
        return scores * far if self.multiplies else scores + far / self.attn_scale


def add_reverse_positions(model: HookedTransformer, form: str, generator: torch.Generator) -> None:
    """Give every attention layer its vectors for distances; `form` is `add` or `multiply`."""
    cfg = model.cfg
    for block in model.blocks:
        attention: Any = block.attn
        attention.__class__ = ReversePositionAttention
        attention.multiplies = form == "multiply"
        first = torch.randn(cfg.n_heads, cfg.n_ctx, cfg.d_head, generator=generator)
        attention.distances = nn.Parameter(first.to(cfg.dtype))
