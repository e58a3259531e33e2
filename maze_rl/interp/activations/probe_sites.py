"""The residual stream of every layer at one position per maze: what linear probes read.

Mazes are written at a fixed place of the canvas, so that cell v is the same token in all of them. A linear map from
the stream h to one number per cell is then the bilinear query h W e_v with one-hot e_v.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.requirements import analysed_tokenization, require_known_forward
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import tokenization_of


@dataclass(frozen=True, eq=False)
class ProbeSites(Shown):
    """Residual streams of one batch of mazes at ``<PATH_START>``, the last token before the path."""

    batch: MazeBatch
    streams: Float32[ndarray, "maze layer d_model"]
    """Place 0 is the embedding, place l + 1 what leaves block l."""
    bag: Float32[ndarray, "maze d_model"]
    """Mean of the embeddings of the prompt's tokens: what is known without any layer."""

    @property
    def num_layers(self) -> int:
        """Blocks of the model."""
        return self.streams.shape[1] - 1


def path_start_sites(model: HookedTransformer, batch: MazeBatch, *, seed: int = 0, batch_size: int = 256) -> ProbeSites:
    """Run a model on the prompts of a batch.

    Args:
        model: The model; its tokenization writes the mazes.
        batch: Mazes of one shape.
        seed: Seed of the edge order.
        batch_size: Mazes per run.

    Raises:
        ConfigurationError: The model's format cannot be analysed, the mazes do not fit on its canvas, or `batch_size`
            is below 1.
    """
    check_count("batch_size", batch_size)
    tokenization = analysed_tokenization(tokenization_of(model))
    encoded = tokenization.encode_batch(batch, streams=np.arange(len(batch)), seed=seed, prompt_only=True)
    position = encoded.spans.path_start
    streams, bags = [], []
    for tokens, at in zip(encoded.tokens.split(batch_size), position.split(batch_size), strict=True):
        streams.append(streams_at(model, tokens, at))
        with torch.no_grad():
            embedded = model.input_to_embed(tokens.to(model.W_E.device))[0].cpu()
        before = (torch.arange(tokens.shape[1]) <= at[:, None])[..., None]
        bags.append((embedded * before).sum(dim=1) / before.sum(dim=1))
    return ProbeSites(batch, torch.cat(streams).float().numpy(), torch.cat(bags).float().numpy())


@torch.no_grad()
def streams_at(model: HookedTransformer, tokens: Int64[Tensor, "row pos"], position: Int64[Tensor, " row"]) -> Tensor:
    """Return the residual stream [row, layer + 1, d_model] at one position of each row, on the CPU.

    Raises:
        ConfigurationError: Positions of this model depend on what stands behind them.
    """
    require_known_forward(model, "reading the streams of padded sequences")
    device = model.W_E.device
    rows, at = torch.arange(len(tokens), device=device), position.to(device)
    kept: list[Tensor] = []

    def keep(stream: Tensor, hook: object) -> None:
        kept.append(stream[rows, at])

    hooks: list[Any] = [("blocks.0.hook_resid_pre", keep)]
    hooks += [(f"blocks.{layer}.hook_resid_post", keep) for layer in range(model.cfg.n_layers)]
    with parametrize.cached():
        model.run_with_hooks(tokens.to(device), fwd_hooks=hooks, stop_at_layer=model.cfg.n_layers)
    return torch.stack(kept, dim=1).cpu()
