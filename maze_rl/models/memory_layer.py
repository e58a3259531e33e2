"""An MLP with a memory beside it (LMPlay's NNMemory, first kind): the residual stream attends to learned cells.

memory(x) = softmax(x K^T / sqrt(d_model)) V with K and V [cells, d_model] learned, x the input of the MLP. It adds to
what the MLP writes, so that `hook_mlp_out` and every decomposition of the residual stream stay complete; its own hooks
are ``mlp.memory.hook_scores``, ``hook_pattern`` and ``hook_out``. Keys start from N(0, 1), values as other weights that
write to the residual stream. With unified embeddings K and V are computed from wide tables, as in the original.

Source: github.com/jmward01/lmplay (2024-2025), "nnm1".
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens import HookedTransformer
from transformer_lens.components.mlps.mlp import MLP
from transformer_lens.hook_points import HookPoint


class Memory(nn.Module):
    """Learned cells, attended to by one head."""

    def __init__(self, keys: Float[Tensor, "cells d_model"], values: Float[Tensor, "cells d_model"]) -> None:
        super().__init__()
        self.K, self.V = nn.Parameter(keys), nn.Parameter(values)
        self.hook_scores = HookPoint()  # [batch, pos, cells]
        self.hook_pattern = HookPoint()  # [batch, pos, cells]
        self.hook_out = HookPoint()  # [batch, pos, d_model]

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return what the cells answer to `x`."""
        scores = self.hook_scores(x @ self.K.T / math.sqrt(x.shape[-1]))
        return self.hook_out(self.hook_pattern(torch.softmax(scores, dim=-1)) @ self.V)


class MemoryMLP(MLP):
    """TransformerLens's MLP and a memory, added up."""

    memory: Memory

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return what both write."""
        return super().forward(x) + self.memory(x)


def add_memory(model: HookedTransformer, cells: int, generator: torch.Generator) -> None:
    """Give every MLP a memory of `cells` cells."""
    cfg = model.cfg
    std = cfg.initializer_range / math.sqrt(2 * cfg.n_layers)
    for block in model.blocks:
        keys = torch.randn(cells, cfg.d_model, generator=generator)
        values = torch.randn(cells, cfg.d_model, generator=generator) * std
        mlp: nn.Module = block.mlp  # type: ignore[assignment]
        mlp.__class__ = MemoryMLP
        mlp.memory = Memory(keys.to(cfg.dtype), values.to(cfg.dtype))
    model.setup()  # names the new hooks
