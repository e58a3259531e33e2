"""The plain PyTorch twin of a model with loops and a visible prompt, written as one would without hooks.

One block of layers applied again and again, its embedding added before each time but the first, a mask made once;
logits only of the words a path may have, only where they are asked for.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from maze_rl.displays.short_repr import Shown
from maze_rl.models.build import MazeTransformer
from maze_rl.models.folding import folded_copy
from maze_rl.models.visibility import sight_of
from maze_rl.training.examples import Examples
from maze_rl.training.model_inputs import model_inputs
from maze_rl.workflows.benchmarks.plain_transformer import PlainBlock, plain_block_state


@dataclass(frozen=True, eq=False)
class Read(Shown):
    """A micro-batch as the twin reads it."""

    tokens: Int64[Tensor, "batch pos"]
    mask: Float[Tensor, "batch 1 pos pos"]
    chosen: Bool[Tensor, "batch pos"]
    answers: Int64[Tensor, " rows"]
    """Places of the right words among those that are written."""
    loops: int


class MaskedBlock(PlainBlock):
    """A pre-norm block whose mask is given."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
        """Return the residual stream after the block."""
        qkv = self.qkv(self.ln1(x)).unflatten(-1, (3, self.n_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (batch, head_index, pos, d_head)
        z = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.out(z.transpose(1, 2).flatten(2))
        return x + self.mlp_out(functional.gelu(self.mlp_in(self.ln2(x))))


class PlainSearcher(nn.Module):
    """A looped transformer over a visible prompt, without positions."""

    def __init__(self, model: MazeTransformer) -> None:
        super().__init__()
        config, d_model = model.maze_config, model.cfg.d_model
        self.words = torch.from_numpy(model.tokenization.layout.written_ids)
        self.embed = nn.Embedding(model.cfg.d_vocab, d_model)
        self.blocks = nn.ModuleList(
            MaskedBlock(d_model, config.n_heads, config.mlp_width) for _ in range(config.n_layers)
        )
        self.norm = nn.Parameter(torch.ones(d_model))
        self.ln_final = nn.LayerNorm(d_model)
        self.unembed = nn.Linear(d_model, len(self.words), bias=False)

    def read(self, micro: Examples, weights: Float[Tensor, "batch next"]) -> Read:
        """Return a micro-batch ready for `forward`."""
        inputs = model_inputs(micro.spans, weights)
        sight = sight_of(inputs.tokens, prompt_visible=True, segments=inputs.segments)
        answers = torch.searchsorted(self.words, micro.tokens[:, 1:][weights != 0])
        assert micro.loops is not None
        return Read(inputs.tokens, sight.additive, inputs.chosen, answers, micro.loops)

    def forward(self, read: Read) -> Float[Tensor, "rows words"]:
        """Return the logits where they are asked for, in row-major order."""
        embedded = x = self.embed(read.tokens)
        for loop in range(read.loops):
            if loop:
                x = functional.layer_norm(x, x.shape[-1:], self.norm) + embedded
            for block in self.blocks:
                x = block(x, read.mask)
        return self.unembed(self.ln_final(x[read.chosen]))


def plain_searcher(model: MazeTransformer) -> PlainSearcher:
    """Return the twin of a model with loops, an outer norm and a visible prompt, with its weights."""
    folded, twin = folded_copy(model), PlainSearcher(model)
    state = folded.state_dict()
    plain = {"embed.weight": state["embed.W_E"], "unembed.weight": state["unembed.W_U"][:, twin.words].T}
    plain |= {
        "norm": state["outer_norm.w"],
        "ln_final.weight": state["ln_final.w"],
        "ln_final.bias": state["ln_final.b"],
    }
    for layer in range(model.maze_config.n_layers):
        plain |= plain_block_state(state, f"blocks.{layer}")
    twin.load_state_dict(plain)
    return twin
