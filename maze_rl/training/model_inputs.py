"""What goes into the network: of every path all tokens but its last, which nothing is predicted from."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.spans import TokenSpans


@dataclass(frozen=True, eq=False)
class ModelInputs(Shown):
    """Sequences as the network reads them."""

    tokens: Int64[Tensor, "batch input"]
    segments: Int64[Tensor, "batch input"] | None
    """Segment of each position, 0 for the prompt and padding; None where one path stands behind each prompt."""
    chosen: Bool[Tensor, "batch input"]
    """The positions whose next token has a weight; in the order of the tokens they predict."""


def model_inputs(spans: TokenSpans, next_weights: Float[Tensor, "batch next"]) -> ModelInputs:
    """Return the inputs for predicting the tokens that have a weight.

    Args:
        spans: Labels of the whole sequences.
        next_weights: Weights of predicting every token but the first.
    """
    if spans.further_starts is None:
        return ModelInputs(spans.tokens[:, :-1], None, next_weights != 0)
    length = spans.tokens.shape[1]
    kept = spans.real.clone()
    for last in (spans.lengths[:, None] - 1, spans.further_starts - 1):
        kept.scatter_(1, last, False)
    width = int(kept.sum(dim=1).max())
    # kept positions first, in their order
    order = torch.where(kept, torch.arange(length), length).sort(dim=1).values[:, :width]
    read, place = order < length, order.clamp(max=length - 1)
    weights = torch.nn.functional.pad(next_weights, (0, 1)).gather(1, place)
    return ModelInputs(
        torch.where(read, spans.tokens.gather(1, place), PADDING),
        torch.where(read, spans.segments.gather(1, place), 0),
        read & (weights != 0),
    )
