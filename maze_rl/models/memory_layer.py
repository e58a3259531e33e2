"""An MLP with a memory beside it (LMPlay's NNMemory): the residual stream looks up learned cells.

    keys:      memory(x) = softmax(x K^T / sqrt(d_model)) V
    selector:  memory(x) = sum over heads of softmax(gelu(x S1 + b1) S2_h + b2_h) E_h P_h + b

x is the input of the MLP, and all else learned: K and V [cells, d_model]; or S1 [d_model, (d_model + cells) / 2], and
for each of the model's heads S2_h [.., cells], the cells E_h [cells, d_head] and P_h [d_head, d_model]. What a memory
says adds to what the MLP writes, so that `hook_mlp_out` and every decomposition of the residual stream stay complete;
its own hooks are ``mlp.memory.hook_scores``, ``hook_pattern`` and ``hook_out``. Keys and cells start from N(0, 1), what
writes to the residual stream as other weights that do. With unified embeddings K and V are computed from wide tables,
as in the original; E is a table of its own there too.

Source: github.com/jmward01/lmplay (2024-2025), "nnm1" and "nnm4", whose blocks of a selector in place of attention
stand here beside the MLP instead, so that a model has the blocks of a plain one.
"""

import math

import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from transformer_lens import HookedTransformer, HookedTransformerConfig
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


class SelectorMemory(nn.Module):
    """Learned cells of several heads, chosen among by two layers.

    Args:
        cells: How many each head has.
        cfg: The shape of the model.
        std: Standard deviation of what writes to the residual stream.
        generator: Source of the first values.
    """

    def __init__(self, cells: int, cfg: HookedTransformerConfig, std: float, generator: torch.Generator) -> None:
        super().__init__()
        width, heads, dtype = cfg.d_model, cfg.n_heads, cfg.dtype
        middle = (width + cells) // 2

        def draw(*shape: int, std: float) -> nn.Parameter:
            return nn.Parameter((torch.randn(*shape, generator=generator) * std).to(dtype))

        self.S1, self.b1 = draw(width, middle, std=width**-0.5), nn.Parameter(torch.zeros(middle, dtype=dtype))
        self.S2 = draw(heads, middle, cells, std=middle**-0.5)
        self.b2 = nn.Parameter(torch.zeros(heads, cells, dtype=dtype))
        self.E, self.P = draw(heads, cells, cfg.d_head, std=1.0), draw(heads, cfg.d_head, width, std=std)
        self.b = nn.Parameter(torch.zeros(width, dtype=dtype))
        self.hook_scores = HookPoint()  # [batch, pos, head_index, cells]
        self.hook_pattern = HookPoint()  # [batch, pos, head_index, cells]
        self.hook_out = HookPoint()  # [batch, pos, d_model]

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return what the cells answer to `x`."""
        chosen = functional.gelu(x @ self.S1 + self.b1)
        scores = self.hook_scores(einsum(chosen, self.S2, "b p m, h m c -> b p h c") + self.b2)
        pattern = self.hook_pattern(torch.softmax(scores, dim=-1))
        return self.hook_out(einsum(pattern, self.E, self.P, "b p h c, h c d, h d m -> b p m") + self.b)


class MemoryMLP(MLP):
    """TransformerLens's MLP and a memory, added up."""

    memory: Memory | SelectorMemory

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return what both write."""
        return super().forward(x) + self.memory(x)


def add_memory(model: HookedTransformer, cells: int, kind: str, generator: torch.Generator) -> None:
    """Give every MLP a memory of `cells` cells; `kind` is `keys` or `selector`."""
    cfg = model.cfg
    std = cfg.initializer_range / math.sqrt(2 * cfg.n_layers)
    for block in model.blocks:
        mlp: nn.Module = block.mlp  # type: ignore[assignment]
        mlp.__class__ = MemoryMLP
        if kind == "selector":
            mlp.memory = SelectorMemory(cells, cfg, std, generator)
            continue
        keys = torch.randn(cells, cfg.d_model, generator=generator)
        values = torch.randn(cells, cfg.d_model, generator=generator) * std
        mlp.memory = Memory(keys.to(cfg.dtype), values.to(cfg.dtype))
    model.setup()  # names the new hooks
