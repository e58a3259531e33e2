"""What the opponent writes for the mazes of a round, and what the mazes say of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int8, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.configs.spin import SpinConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import MazeTransformer
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.outcomes import Stop, budget_for, judge, parse_rollouts
from maze_rl.tokenization.tokenization import Encoded
from maze_rl.training.spin.generation import sample_numbers, write_paths
from maze_rl.training.spin.pair_table import Kind


@dataclass(frozen=True, eq=False)
class Samples(Shown):
    """Several written paths for each maze."""

    tokens: Int64[Tensor, "mazes samples new"]
    """Ids behind the prompt, right-padded."""
    lengths: Int64[Tensor, "mazes samples"]
    """Tokens of each, ``<PATH_END>`` included where it was written."""
    budgets: Int64[Tensor, " mazes"]
    """Tokens that could be written."""


def write_samples(
    model: MazeTransformer,
    config: SpinConfig,
    mazes: MazeCollection,
    encoded: Encoded,
    *,
    seed: int,
    round_number: int,
    first: int,
    batch_size: int,
    progress: Callable[[float], None] = lambda done: None,
) -> Samples:
    """Let `model` write `config.samples` paths for each maze; the same whatever the batch size.

    `progress` is called with the share that is done, by the lengths of the real paths.
    """
    budgets = _budgets(mazes, encoded, config.most_tokens)
    prompt_lengths = encoded.spans.answer_start
    # Walks of like length end together: fewer steps are decoded for rows that are done.
    to_write = encoded.spans.lengths - encoded.spans.path_start
    order = torch.argsort(to_write, stable=True)
    written = to_write[order].cumsum(0) / to_write.sum()
    tokens = torch.full((len(mazes), config.samples, int(budgets.max())), PADDING)
    lengths = torch.empty((len(mazes), config.samples), dtype=torch.int64)
    streams = first + order.numpy()
    for sample in range(config.samples):
        numbers = None
        if config.temperature > 0:
            numbers = sample_numbers(seed, round_number, sample, streams, tokens.shape[2])
        tokens[order, sample], lengths[order, sample] = write_paths(
            model,
            encoded.tokens[order],
            prompt_lengths[order],
            budgets[order],
            temperature=float(config.temperature),
            uniforms=numbers,
            batch_size=batch_size,
            progress=lambda rows, sample=sample: progress((sample + float(written[rows - 1])) / config.samples),
        )
    return Samples(tokens, lengths, budgets)


def _budgets(mazes: MazeCollection, encoded: Encoded, most_tokens: int | None) -> Int64[Tensor, " mazes"]:
    budgets = torch.empty(len(mazes), dtype=torch.int64)
    for position, batch in enumerate(mazes.batches):
        longest = budget_for(batch.shape, encoded.spans.layout)
        budgets[torch.from_numpy(mazes.indices_of(position))] = min(longest, most_tokens or longest)
    return budgets


def judge_samples(mazes: MazeCollection, encoded: Encoded, samples: Samples) -> Int8[ndarray, "mazes samples"]:
    """Return a `Kind` for each written path; a real path counts as tied here."""
    kinds = np.empty(samples.lengths.shape, np.int8)
    offsets, tokens, budgets = encoded.spans.offsets.numpy(), samples.tokens.numpy(), samples.budgets.numpy()
    for position, batch in enumerate(mazes.batches):
        where, solution = mazes.indices_of(position), solve_batch(batch)
        for sample in range(kinds.shape[1]):
            rollouts = parse_rollouts(
                tokens[where, sample], batch.origins, offsets[where], batch.shape, encoded.spans.layout, budgets[where]
            )
            outcomes, ended = judge(solution, rollouts), rollouts.stops == Stop.END
            walks = np.where(outcomes.shortest, Kind.TIED, Kind.DISTINCT)
            kinds[where, sample] = np.where(outcomes.valid & ended, walks, Kind.INVALID)
    return kinds
