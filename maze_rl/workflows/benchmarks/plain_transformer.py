"""The plain PyTorch twin of a model: the same function and shape, written as one would without hooks.

One linear map for queries, keys and values, PyTorch's fused causal attention and layer norm, an untied
embedding; logits only where they are asked for, as in `maze_rl.models.readout`. No positions.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from maze_rl.models.build import MazeTransformer
from maze_rl.models.folding import folded_copy


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


def plain_twin(model: MazeTransformer) -> PlainTransformer:
    """Return the plain transformer with the shape and the weights of `model`, whose positions must be `none`."""
    config = model.maze_config
    assert config.positions == "none" and config.act_fn == "gelu", "the twin has no positions and a GELU"
    twin = PlainTransformer(model.cfg.d_vocab, config.n_layers, config.d_model, config.n_heads, config.mlp_width)
    twin.to(model.cfg.dtype).load_state_dict(_plain_state(folded_copy(model).state_dict(), config.n_layers))
    return twin


def _plain_state(state: dict[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    """Rename TransformerLens's weights; a linear map of PyTorch keeps the transpose."""
    plain = {"embed.weight": state["embed.W_E"]}
    plain |= _linear("unembed", state["unembed.W_U"], state["unembed.b_U"]) | _norm("ln_final", state)
    for layer in range(n_layers):
        plain |= plain_block_state(state, f"blocks.{layer}")
    return plain


def plain_block_state(state: dict[str, Tensor], block: str) -> dict[str, Tensor]:
    """Return the weights of one block under the names of `PlainBlock`."""
    attn, mlp = f"{block}.attn", f"{block}.mlp"
    weight = torch.cat([state[f"{attn}.W_{which}"] for which in "QKV"])  # (3 * head_index, d_model, d_head)
    bias = torch.cat([state[f"{attn}.b_{which}"] for which in "QKV"])  # (3 * head_index, d_head)
    plain = _linear(f"{block}.qkv", weight.transpose(0, 1).flatten(1), bias.flatten())
    plain |= _linear(f"{block}.out", state[f"{attn}.W_O"].flatten(0, 1), state[f"{attn}.b_O"])
    plain |= _linear(f"{block}.mlp_in", state[f"{mlp}.W_in"], state[f"{mlp}.b_in"])
    plain |= _linear(f"{block}.mlp_out", state[f"{mlp}.W_out"], state[f"{mlp}.b_out"])
    return plain | _norm(f"{block}.ln1", state) | _norm(f"{block}.ln2", state)


def _linear(name: str, weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
    return {f"{name}.weight": weight.T, f"{name}.bias": bias}


def _norm(name: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}.weight": state[f"{name}.w"], f"{name}.bias": state[f"{name}.b"]}
