"""The start of a round: the opponent writes paths, they are judged by the maze, and set against the real ones."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from maze_rl.configs.spin import SpinConfig
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.models.build import MazeTransformer
from maze_rl.tokenization.tokenization import Encoded, Tokenization, merge_encoded
from maze_rl.training.spin.pair_table import PairTable
from maze_rl.training.spin.samples import judge_samples, write_samples
from maze_rl.training.spin.sequence_log_probability import Score, sequence_log_probabilities
from maze_rl.training.spin.tabulate import tabulate

WRITING_SHARE = 0.9
"""Share of the work, roughly, that the writing of the paths is."""


def make_pairs(
    model: MazeTransformer,
    config: SpinConfig,
    mazes: MazeCollection,
    *,
    seed: int,
    round_number: int,
    first: int = 0,
    previous: PairTable | None = None,
    batch_size: int = 128,
    micro_batch_tokens: int = 8192,
    progress: Callable[[float], None] = lambda done: None,
) -> PairTable:
    """Return the pairs a round trains on, with `model` as it is now for the opponent.

    What the opponent writes for a maze is a function of (model, its prompt, seed, round, sample) alone. Call this
    under the precision of the training, so that the policy begins at exactly the opponent's log probabilities.

    Args:
        model: The policy at the start of the round.
        config: Settings of the round.
        mazes: The mazes of the round.
        seed: Seed of the run.
        round_number: Which round, from 0.
        first: Number of the first maze in its stream: prompts are encoded as maze `first`, `first` + 1, ...
        previous: The table of the round before; its pairs join as far as the window reaches.
        batch_size: Paths written together.
        micro_batch_tokens: Most tokens that go through the network at once to score them.
        progress: Called with the share that is done.
    """
    encoded = _encode(model.tokenization, mazes, seed, first)
    samples = write_samples(
        model,
        config,
        mazes,
        encoded,
        seed=seed,
        round_number=round_number,
        first=first,
        batch_size=batch_size,
        progress=lambda done: progress(WRITING_SHARE * done),
    )
    kinds = judge_samples(mazes, encoded, samples)
    table = tabulate(encoded, samples, kinds, config, round_number, model.cfg.d_vocab)
    table = joined(previous, table, config.window)
    table = with_reference(model, table, micro_batch_tokens)
    progress(1.0)
    return table


def _encode(tokenization: Tokenization, mazes: MazeCollection, seed: int, first: int) -> Encoded:
    """Encode mazes as the batches of supervised training are; sequence i depends on (maze, seed, first + i)."""
    indices = [mazes.indices_of(position) for position in range(len(mazes.batches))]
    parts = [
        tokenization.encode_batch(batch, streams=first + where, seed=seed)
        for batch, where in zip(mazes.batches, indices, strict=True)
    ]
    return merge_encoded(parts, indices, len(mazes))


def joined(previous: PairTable | None, table: PairTable, window: int) -> PairTable:
    """Return the pairs of a round with those before it that the window reaches and that are trained on."""
    if previous is None:
        return table
    oldest = table.newest_round - window + 1
    return previous.keep(((previous.rounds >= oldest) & (previous.weights > 0)).nonzero()[:, 0]).join(table)


@torch.no_grad()
def with_reference(
    model: nn.Module,
    table: PairTable,
    micro_batch_tokens: int = 8192,
    score: Score = sequence_log_probabilities,
) -> PairTable:
    """Return the table with the log probabilities of all its responses under `model`, as `score` tells them."""
    weight = next(model.parameters())
    found = torch.zeros(len(table.responses), dtype=torch.promote_types(weight.dtype, torch.float32))
    with parametrize.cached():
        for chosen in _of_like_length(table, micro_batch_tokens):
            inputs = (tensor.to(weight.device) for tensor in table.sequences(chosen))
            found[chosen] = score(model, *inputs).cpu()
    return replace(table, reference=found)


def _of_like_length(table: PairTable, most_tokens: int) -> list[Tensor]:
    """Cut the responses into groups of like length, of about `most_tokens` tokens."""
    lengths = table.prompt_lengths[table.prompt_of] + table.response_lengths
    order = torch.argsort(lengths, stable=True)
    _, sizes = (lengths[order].cumsum(0) // most_tokens).unique_consecutive(return_counts=True)
    return list(order.split(sizes.tolist()))
