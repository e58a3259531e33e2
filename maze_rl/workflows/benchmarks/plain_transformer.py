"""The plain PyTorch twin of a model: the same function and shape, written as one would without hooks.

One linear map for queries, keys and values, PyTorch's fused causal attention and layer norm, an untied
embedding; logits only where they are asked for, as in `maze_rl.models.readout`. No positions.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from maze_rl.models.build import MazeTransformer


class PlainBlock(nn.Module):
    """A pre-norm transformer block with a GELU MLP."""

    def __init__(self, d_model: int, n_heads: int, d_mlp: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.ln1, self.ln2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.mlp_in, self.mlp_out = nn.Linear(d_model, d_mlp), nn.Linear(d_mlp, d_model)

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return the residual stream after the block."""
        qkv = self.qkv(self.ln1(x)).unflatten(-1, (3, self.n_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (batch, head_index, pos, d_head)
        z = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(z.transpose(1, 2).flatten(2))
        return x + self.mlp_out(functional.gelu(self.mlp_in(self.ln2(x))))


class PlainTransformer(nn.Module):
    """A decoder-only transformer without positions."""

    def __init__(self, d_vocab: int, n_layers: int, d_model: int, n_heads: int, d_mlp: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(d_vocab, d_model)
        self.blocks = nn.ModuleList(PlainBlock(d_model, n_heads, d_mlp) for _ in range(n_layers))
        self.ln_final = nn.LayerNorm(d_model)
        self.unembed = nn.Linear(d_model, d_vocab)

    def forward(
        self, tokens: Int64[Tensor, "batch pos"], chosen: Bool[Tensor, "batch pos"]
    ) -> Float[Tensor, "rows d_vocab"]:
        """Return the next-token logits at the `chosen` positions, in row-major order of (batch, pos)."""
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x)
        return self.unembed(self.ln_final(x[chosen]))


@torch.no_grad()
def plain_twin(model: MazeTransformer) -> PlainTransformer:
    """Return the plain transformer with the shape and the weights of `model`, whose positions must be `none`."""
    config = model.maze_config
    assert config.positions == "none" and config.act_fn == "gelu", "the twin has no positions and a GELU"
    twin = PlainTransformer(model.cfg.d_vocab, config.n_layers, config.d_model, config.n_heads, config.mlp_width).to(
        model.cfg.dtype
    )
    twin.embed.weight.copy_(model.embed.W_E)
    _copy_linear(twin.unembed, model.unembed.W_U, model.unembed.b_U)
    _copy_norm(twin.ln_final, model.ln_final)
    for plain, block in zip(twin.blocks, model.blocks, strict=True):
        _copy_block(plain, block)
    return twin


def _copy_block(plain: nn.Module, block: nn.Module) -> None:
    attn, mlp = block.attn, block.mlp
    weight = torch.cat([attn.W_Q, attn.W_K, attn.W_V])  # type: ignore[list-item] # (3 * head_index, d_model, d_head)
    bias = torch.cat([attn.b_Q, attn.b_K, attn.b_V])  # type: ignore[list-item] # (3 * head_index, d_head)
    _copy_linear(plain.qkv, weight.permute(1, 0, 2).flatten(1), bias.flatten())
    _copy_linear(plain.out, attn.W_O.flatten(0, 1), attn.b_O)  # type: ignore[union-attr]
    _copy_linear(plain.mlp_in, mlp.W_in, mlp.b_in)  # type: ignore[union-attr]
    _copy_linear(plain.mlp_out, mlp.W_out, mlp.b_out)  # type: ignore[union-attr]
    _copy_norm(plain.ln1, block.ln1)
    _copy_norm(plain.ln2, block.ln2)


def _copy_linear(linear: nn.Module, weight: Tensor, bias: Tensor) -> None:
    linear.weight.copy_(weight.T)  # type: ignore[operator]
    linear.bias.copy_(bias)  # type: ignore[operator]


def _copy_norm(plain: nn.Module, norm: nn.Module) -> None:
    plain.weight.copy_(norm.w)  # type: ignore[operator]
    plain.bias.copy_(norm.b)  # type: ignore[operator]
