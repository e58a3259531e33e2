"""Unified embeddings (LMPlay): e(v) = gelu(E[v] A1 + b1) A2 + b2 with a table E wider than the model.

Every token's vector passes through the same two layers, so a rare token gains from what is learned about frequent
ones. E is [tokens, expansion * d_model], the middle [middle * d_model]. Folded, ``W_E`` is e of all tokens. A model
with a factored embedding keeps it: e then gives the tokens' own vectors. Learned ``W_pos`` and the tables of memory
cells are computed the same way, each with layers of its own.

Unlike the other methods this is no identity at the start, as the table is another function: it starts with the
standard deviation of the plain one, and mean 0 over the tokens. `fit_table` starts it from a trained embedding instead.

Source: github.com/jmward01/lmplay (2024-2025), "unified embeddings".
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.models.memory_layer import Memory
from maze_rl.models.random_streams import torch_generator


class UnifiedTable(nn.Module):
    """Computes an embedding table; what it is called with, the plain one, is not used.

    Args:
        plain: The table it stands for: gives shape, type and standard deviation.
        expansion: Width of E, in widths of `plain`.
        middle: Width between the layers, in widths of `plain`.
        generator: Source of the first values.
    """

    def __init__(
        self, plain: Float[Tensor, "rows width"], expansion: int, middle: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        rows, width = plain.shape
        wide, between = expansion * width, middle * width

        def draw(*shape: int, std: float) -> nn.Parameter:
            return nn.Parameter((torch.randn(*shape, generator=generator) * std).to(plain.dtype))

        self.table = draw(rows, wide, std=1.0)
        self.first = draw(wide, between, std=wide**-0.5)
        self.first_bias = nn.Parameter(torch.zeros(between, dtype=plain.dtype))
        self.last = draw(between, width, std=between**-0.5)
        self.last_bias = nn.Parameter(torch.zeros(width, dtype=plain.dtype))
        with torch.no_grad():
            self.last *= plain.std() / self.values().std(dim=0).square().mean().sqrt()
            self.last_bias -= self.values().mean(dim=0)

    def values(self) -> Float[Tensor, "rows width"]:
        """Return e of every row."""
        hidden = functional.gelu(torch.addmm(self.first_bias, self.table, self.first))
        return torch.addmm(self.last_bias, hidden, self.last)

    def forward(self, plain: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        """Return e of every row, whatever the plain table."""
        return self.values()


def unify_embeddings(model: HookedTransformer, seed: int, expansion: int, middle: int) -> None:
    """Compute ``W_E``, learned ``W_pos`` and memory tables from wider ones; the plain ones are frozen, being unused."""
    tables: list[tuple[nn.Module, str]] = [(model.embed, "W_E")]
    if "pos_embed" in model._modules and model.pos_embed.W_pos.requires_grad:
        tables.append((model.pos_embed, "W_pos"))
    for block in model.blocks:
        if isinstance(getattr(block.mlp, "memory", None), Memory):
            tables += [(block.mlp.memory, "K"), (block.mlp.memory, "V")]  # type: ignore[union-attr]
    for place, (module, name) in enumerate(tables):
        plain = getattr(module, name).requires_grad_(False)
        generator = torch_generator(seed, "unified_embeddings", str(place))
        unified = UnifiedTable(plain, expansion, middle, generator)
        unified.last_bias.requires_grad_(name != "K")  # attention does not see a shift of all keys
        parametrize.register_parametrization(module, name, unified)


def fit_table(table: UnifiedTable, trained: Float[Tensor, "rows width"], steps: int = 1000) -> float:
    """Start a table from a trained embedding: copied into E's first columns, then fitted by mean squared error.

    Args:
        table: For example ``model.embed.parametrizations.W_E[0]``.
        trained: What it shall compute.
        steps: Steps of Adam at 0.003 on all rows.

    Returns:
        What is left, as a share of the variance of `trained`; about a hundredth.
    """
    trained = trained.detach()
    with torch.no_grad():
        table.table[:, : trained.shape[1]] = trained / trained.std()
    optimizer = torch.optim.Adam(table.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        functional.mse_loss(table.values(), trained).backward()
        optimizer.step()
    optimizer.zero_grad()
    with torch.no_grad():
        return float(functional.mse_loss(table.values(), trained) / trained.var())
