"""From written paths to pairs: equal ones become one, and the policies say which weight a pair has.

Identical pairs have none; tied and invalid ones have what the round's settings say; a path that was written several
times is one pair of that weight.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int8, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.configs.spin import SpinConfig
from maze_rl.displays.short_repr import short_repr
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.tokenization import Encoded
from maze_rl.training.spin.pair_table import Kind, PairTable
from maze_rl.training.spin.samples import Samples


class Padded(NamedTuple):
    """Token ids, and how many each row has before the padding."""

    tokens: Int64[Tensor, "rows pos"]
    lengths: Int64[Tensor, " rows"]

    __repr__ = short_repr


def tabulate(
    encoded: Encoded,
    samples: Samples,
    kinds: Int8[ndarray, "mazes samples"],
    config: SpinConfig,
    round_number: int,
    d_vocab: int,
) -> PairTable:
    """Set each different path that was written for a maze against its real path; references are still 0."""
    starts = encoded.spans.answer_start
    prompts = torch.where(torch.arange(encoded.tokens.shape[1]) < starts[:, None], encoded.tokens, PADDING)
    asked = Padded(prompts[:, : int(starts.max())], starts)
    return tabulate_answers(asked, _real_paths(encoded), samples, kinds, config, round_number, d_vocab)


def tabulate_answers(
    prompts: Padded,
    real: Padded,
    samples: Samples,
    kinds: Int8[ndarray, "prompts samples"],
    config: SpinConfig,
    round_number: int,
    d_vocab: int,
) -> PairTable:
    """Set each different answer that was written behind a prompt against the real one; references are still 0.

    A written answer that equals the real one is of kind `Kind.IDENTICAL`, whatever `kinds` says of it.
    """
    num, per_maze = kinds.shape
    mazes = torch.cat([torch.arange(num), torch.arange(num).repeat_interleave(per_maze)])
    lengths = torch.cat([real.lengths, samples.lengths.flatten()])
    tokens = _stacked(real.tokens, samples.tokens.flatten(0, 1))[:, : int(lengths.max())]
    # Real paths come first, one for each maze: response i is the real path of maze i.
    kept, response_of = _first_of_equals(torch.cat([mazes[:, None], lengths[:, None], tokens], dim=1))
    generated, at, counts = np.unique(response_of[num:], return_index=True, return_counts=True)
    of_prompt = mazes[kept[generated]].numpy()
    of_pair = np.where(generated == of_prompt, np.int8(Kind.IDENTICAL), kinds.ravel()[at])
    columns = _with_tied_as_real(of_prompt, generated, of_pair, counts, config)
    ids = torch.int16 if d_vocab <= 2**15 else torch.int32
    return PairTable(
        prompts=prompts.tokens.to(ids),
        prompt_lengths=prompts.lengths.int(),
        responses=tokens[kept].to(ids),
        response_lengths=lengths[kept].int(),
        prompt_of=mazes[kept].int(),
        reference=torch.zeros(len(kept)),
        rounds=torch.full((len(columns[0]),), round_number, dtype=torch.int32),
        **dict(zip(("real", "generated", "kinds", "counts", "weights"), columns, strict=True)),
    )


def _real_paths(encoded: Encoded) -> Padded:
    """Return the tokens behind the prompt, right-padded, and how many there are."""
    starts = encoded.spans.answer_start
    lengths = encoded.spans.lengths - starts
    place = torch.arange(int(lengths.max()))
    tokens = encoded.tokens.gather(1, (starts[:, None] + place).clamp(max=encoded.tokens.shape[1] - 1))
    return Padded(torch.where(place < lengths[:, None], tokens, PADDING), lengths)


def _stacked(first: Tensor, second: Tensor) -> Tensor:
    rows = torch.full((len(first) + len(second), max(first.shape[1], second.shape[1])), PADDING)
    rows[: len(first), : first.shape[1]], rows[len(first) :, : second.shape[1]] = first, second
    return rows


def _first_of_equals(rows: Tensor) -> tuple[ndarray, ndarray]:
    """Return the first of each group of equal rows, in their order, and to which of these each row is equal."""
    _, firsts, group = np.unique(rows.numpy(), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return firsts[order], rank[group.ravel()]


def _with_tied_as_real(
    real: ndarray, generated: ndarray, kinds: ndarray, counts: ndarray, config: SpinConfig
) -> tuple[Tensor, ...]:
    """Return columns real, generated, kinds, counts and weights; with `as_real`, tied paths play the real one too.

    A losing path then meets each of the right paths of its maze, and they share its weight.
    """
    trained_on = _trained_on(config)
    weights = np.where(np.array([trained_on[kind] for kind in Kind])[kinds], counts, 0).astype(np.float32)
    columns = [real, generated, kinds, counts, weights]
    if config.tie_policy == "as_real":
        ties = kinds == Kind.TIED
        rights = 1 + np.bincount(real[ties], minlength=int(real.max()) + 1)
        weights /= rights[real].astype(np.float32)
        losing = np.flatnonzero(weights > 0)
        met, tied = np.nonzero(real[losing][:, None] == real[ties])
        losing = losing[met]
        further = [generated[ties][tied], generated[losing], kinds[losing], np.zeros_like(met), weights[losing]]
        columns = [np.concatenate(both) for both in zip(columns, further, strict=True)]
    types = (torch.int32, torch.int32, torch.int8, torch.int32, torch.float32)
    return tuple(torch.from_numpy(column).to(kind) for column, kind in zip(columns, types, strict=True))


def _trained_on(config: SpinConfig) -> dict[Kind, bool]:
    """Return which pairs have a weight: the losing paths of a game, or the shortest ones of filtered training."""
    if config.loss == "filtered":
        return {kind: kind in (Kind.IDENTICAL, Kind.TIED) for kind in Kind}
    return {
        Kind.DISTINCT: True,
        Kind.IDENTICAL: False,
        Kind.TIED: config.tie_policy == "punish",
        Kind.INVALID: config.invalid_policy == "punish",
    }
