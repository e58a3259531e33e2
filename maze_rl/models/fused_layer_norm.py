"""Layer norm that takes PyTorch's fused kernel unless something hooks its insides."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformer_lens.components.layer_norm import LayerNorm


def is_hooked(*points: nn.Module) -> bool:
    """Tell whether a function waits at any of the hook points, forward or backward."""
    return any(point._forward_hooks or point._backward_hooks for point in points)


class FusedLayerNorm(LayerNorm):
    """TransformerLens's layer norm; same parameters, hooks and values (to rounding)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis of `x`, of shape [batch, pos, d_model] or [batch, pos, head_index, d_model]."""
        if is_hooked(self.hook_scale, self.hook_normalized) or self.cfg.dtype not in (
            torch.float32,
            torch.float64,
        ):
            return super().forward(x)
        return functional.layer_norm(x, (self.length,), self.w, self.b, self.eps)
