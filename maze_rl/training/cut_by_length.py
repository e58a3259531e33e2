"""Sequences sorted by length and cut into micro-batches, so that little is spent on padding and nothing is dropped."""

from collections.abc import Iterator

import torch
from jaxtyping import Int, Int64
from torch import Tensor

_SHORTEST_SHARE = 0.8


def cut_by_length(lengths: Int[Tensor, " num"], most_tokens: int, fewest: int) -> Iterator[Int64[Tensor, " rows"]]:
    """Yield the indices of groups of near-equal length with at most `most_tokens` tokens, or one member.

    A member joins the group before it if it is at least 0.8 times as long as its longest, or if that has under
    `fewest` members: tiny matrix products cost more than padding.

    Args:
        lengths: Tokens of each member.
        most_tokens: Most tokens of a group, padding included.
        fewest: Members from which on a group may be closed for the sake of padding.
    """
    order = torch.argsort(lengths, descending=True, stable=True)
    sizes, first = lengths[order].tolist(), 0
    for position in range(1, len(sizes) + 1):
        rows, longest = position - first, sizes[first]
        if position < len(sizes):
            fits = longest * (rows + 1) <= most_tokens
            if fits and (rows < fewest or sizes[position] >= _SHORTEST_SHARE * longest):
                continue
        yield order[first:position]
        first = position
