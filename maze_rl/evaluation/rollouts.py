"""Greedy rollouts of a model: prompts in, one walk per maze out."""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.mazes.solve import BatchSolution
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.outcomes import Rollouts, budget_for, parse_rollouts
from maze_rl.tokenization.tokenization import Tokenization

Decode = Callable[[HookedTransformer, Tensor, Tensor, Tensor], Tensor]
"""(model, prompts Int64[batch, pos], lengths Int64[batch], budget Int64[batch]) -> new ids Int64[batch, new]."""


def tokenization_of(model: HookedTransformer) -> Tokenization:
    """Return the tokenization a model was built for."""
    return cast(Tokenization, model.tokenization)


def roll_out(
    model: HookedTransformer,
    solution: BatchSolution,
    *,
    seed: int,
    batch_size: int,
    decode: Decode,
    shortest_only: bool = False,
) -> Rollouts:
    """Let `model` walk every maze of a solved batch, greedily.

    Args:
        model: The model; its `tokenization` writes the prompts.
        solution: The solved mazes.
        seed: Seed of the prompts (edge order, offset); prompt j depends on (maze, seed, j).
        batch_size: Mazes decoded together.
        decode: Generates the path; `maze_rl.models.decoding.decode_paths` outside tests.
        shortest_only: Break off what is longer than a shortest path: cheaper where nothing else is asked.
    """
    tokenization, batch = tokenization_of(model), solution.batch
    prompts, spans = tokenization.encode_batch(batch, streams=np.arange(len(batch)), seed=seed, prompt_only=True)
    layout = tokenization.layout
    # A shortest path is D + 1 cells and the end.
    longest = np.full(len(batch), budget_for(batch.shape, layout))
    budgets = layout.path_tokens(solution.lengths + 1) if shortest_only else longest
    tokens = np.full((len(batch), int(budgets.max())), PADDING, np.int64)
    device = next(model.parameters()).device
    # Walks of like length end together: fewer steps are decoded for rows that are done.
    for rows in chunks(np.argsort(solution.lengths, kind="stable"), batch_size):
        lengths, budget = spans.lengths[rows].to(device), torch.from_numpy(budgets[rows]).to(device)
        chosen = prompts[rows, : int(lengths.max())].to(device)
        # A parametrized weight is computed once here, not once per token.
        with torch.inference_mode(), parametrize.cached():
            new = decode(model, chosen, lengths, budget)
        tokens[rows, : new.shape[1]] = new.cpu().numpy()
    return parse_rollouts(tokens, batch.origins, spans.offsets.numpy(), batch.shape, layout, budgets)


def chunks(order: ndarray, size: int) -> list[ndarray]:
    """Cut `order` into pieces of at most `size`."""
    return [order[start : start + size] for start in range(0, len(order), size)]
