"""The mini-batches of a step: pairs in equal shares from the rounds of the window, a function of (table, seed, step).

Draw g of a phase takes the next pair of round number g modulo the number of rounds; each round's pairs come in a
random order, all of them before one comes again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Float32, Int8, Int64
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import MazeRLError
from maze_rl.seeding import numpy_generator
from maze_rl.training.cut_by_length import cut_by_length
from maze_rl.training.spin.pair_table import PairTable

_FEWEST_PAIRS = 4


@dataclass(frozen=True, eq=False)
class PairBatch(Shown):
    """A micro-batch of pairs: the rows of all real paths, then those of all written ones, in the same order."""

    tokens: Int64[Tensor, "rows pos"]
    """Prompts and responses, right-padded."""
    starts: Int64[Tensor, " rows"]
    """Position of the first token of each response."""
    lengths: Int64[Tensor, " rows"]
    """Tokens before the padding."""
    reference: Float[Tensor, " rows"]
    """Log probability of each response under the opponent, nats."""
    kinds: Int8[Tensor, " pairs"]
    weights: Float32[Tensor, " pairs"]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.weights)

    @property
    def num_mazes(self) -> int:
        """A pair is one maze."""
        return len(self)

    @property
    def num_tokens(self) -> int:
        """Tokens without padding; a pair has its prompt twice."""
        return int(self.lengths.sum())

    @property
    def padded_tokens(self) -> int:
        """Tokens with padding."""
        return self.tokens.numel()

    @property
    def longest_path(self) -> int:
        """0: how many tokens a step takes is not known here; the mazes of a round are counted when it opens."""
        return 0

    def to(self, device: torch.device | str | None) -> "PairBatch":
        """Return the batch on a device."""
        moved = (getattr(self, field.name).to(device, non_blocking=True) for field in fields(self))
        return PairBatch(*moved)


def pair_batches(
    table: PairTable, *, seed: int, step: int, batch_size: int, accumulation: int = 1, micro_batch_tokens: int = 8192
) -> list[list[PairBatch]]:
    """Make the mini-batches of a step, each as micro-batches.

    Args:
        table: The pairs of the window's rounds.
        seed: Seed of the run.
        step: Step of the phase, from 0.
        batch_size: Pairs of a mini-batch.
        accumulation: Mini-batches of a step.
        micro_batch_tokens: Most tokens, padding included, of a micro-batch (or one pair).

    Raises:
        MazeRLError: No pair of the table is trained on.
    """
    total = batch_size * accumulation
    drawn = draw_pairs(table, seed, step * total, total)
    return [
        list(micro_batches(table, drawn[part : part + batch_size], micro_batch_tokens))
        for part in range(0, total, batch_size)
    ]


def draw_pairs(table: PairTable, seed: int, first: int, num: int) -> Int64[Tensor, " num"]:
    """Return draws number `first`, `first` + 1, ... of the round that trains on `table`.

    Raises:
        MazeRLError: No pair of the table is trained on.
    """
    chosen = {number: table.trainable(number) for number in table.rounds.unique().tolist()}
    rounds = [number for number, pairs in chosen.items() if len(pairs)]
    if not rounds:
        raise MazeRLError(
            f"SPIN round {table.newest_round} has no pair to train on, of {table.summary(table.newest_round)}: raise "
            "prompts, samples or temperature, punish ties, or end here: the model writes the real paths."
        )
    draws = torch.arange(first, first + num)
    found = torch.empty(num, dtype=torch.int64)
    for place, number in enumerate(rounds):
        own = draws % len(rounds) == place
        order = _Order(seed, ("spin batches", table.newest_round, number), len(chosen[number]))
        found[own] = chosen[number][order.at(draws[own] // len(rounds))]
    return found


@dataclass(frozen=True)
class _Order:
    """An endless order of a round's pairs: all of them, shuffled; then all again, shuffled anew."""

    seed: int
    stream: tuple[str | int, ...]
    size: int

    def at(self, places: Int64[Tensor, " places"]) -> Int64[Tensor, " places"]:
        """Return the pairs at some places."""
        times, found = places // self.size, torch.empty_like(places)
        for time in times.unique().tolist():
            order = torch.from_numpy(numpy_generator(self.seed, *self.stream, time).permutation(self.size))
            found[times == time] = order[places[times == time] % self.size]
        return found


def micro_batches(table: PairTable, pairs: Int64[Tensor, " pairs"], most_tokens: int) -> Iterator[PairBatch]:
    """Cut pairs into micro-batches of near-equal length with at most `most_tokens` tokens, or one pair."""
    written = torch.maximum(table.response_lengths[table.real[pairs]], table.response_lengths[table.generated[pairs]])
    lengths = table.prompt_lengths[table.prompt_of[table.real[pairs]]] + written
    for chosen in cut_by_length(lengths, most_tokens // 2, _FEWEST_PAIRS):  # a pair is two sequences
        yield pair_batch(table, pairs[chosen])


def pair_batch(table: PairTable, pairs: Int64[Tensor, " pairs"]) -> PairBatch:
    """Write out the pairs as one micro-batch."""
    responses = torch.cat([table.real[pairs], table.generated[pairs]])
    return PairBatch(*table.sequences(responses), table.reference[responses], table.kinds[pairs], table.weights[pairs])
