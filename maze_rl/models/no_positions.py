"""No position embedding at all: order is visible through the causal mask alone (NoPE)."""

import torch
from torch import Tensor
from transformer_lens.components.pos_embed import PosEmbed


class NoPositions(PosEmbed):
    """Adds nothing, whatever the length; keeps `W_pos`, frozen at zero, so that stock keys stay complete."""

    def forward(  # noqa: D102 - documented by the component it replaces
        self, tokens: Tensor, past_kv_pos_offset: int = 0, attention_mask: Tensor | None = None
    ) -> Tensor:
        return torch.zeros(1, 1, dtype=self.W_pos.dtype, device=self.W_pos.device).expand(
            *tokens.shape, self.cfg.d_model
        )
