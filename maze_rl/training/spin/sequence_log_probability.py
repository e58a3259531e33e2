"""log p(y | x): the sum over the tokens of a response, each predicted from all tokens before it, the end included."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.models.readout import logits_at

Score = Callable[[Any, Tensor, Tensor, Tensor], Tensor]
"""(model, tokens, starts, lengths) -> log probability of each response; `sequence_log_probabilities` is one."""


def sequence_log_probabilities(
    model: HookedTransformer,
    tokens: Int64[Tensor, "batch pos"],
    starts: Int64[Tensor, " batch"],
    lengths: Int64[Tensor, " batch"],
) -> Float[Tensor, " batch"]:
    """Return the log probability of each response, nats; logits exist only where a response token is predicted.

    Args:
        model: The network.
        tokens: Prompts and responses, right-padded.
        starts: Position of the first token of each response, at least 1.
        lengths: Tokens before the padding; the response is ``tokens[row, starts[row]:lengths[row]]``.
    """
    response = before_responses(tokens, starts, lengths)
    return summed_scores(logits_at(model, tokens[:, :-1], response), tokens, response)


def before_responses(
    tokens: Int64[Tensor, "batch pos"], starts: Int64[Tensor, " batch"], lengths: Int64[Tensor, " batch"]
) -> Bool[Tensor, "batch pos-1"]:
    """Return the positions whose next token is one of the response; the last position has no next token."""
    position = torch.arange(1, tokens.shape[1], device=tokens.device)
    return (position >= starts[:, None]) & (position < lengths[:, None])


def summed_scores(
    logits: Float[Tensor, "scored words"], tokens: Int64[Tensor, "batch pos"], response: Bool[Tensor, "batch pos-1"]
) -> Float[Tensor, " batch"]:
    """Return the log probability of each response, nats, at least in float32.

    Args:
        logits: At the positions of `before_responses`, in row-major order.
        tokens: Prompts and responses.
        response: What `before_responses` returned.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    scores = torch.log_softmax(logits, dim=-1).gather(1, tokens[:, 1:][response][:, None])[:, 0]
    # A row-wise sum, unlike a scattered one, adds up in one order on every device.
    by_row = torch.zeros(response.shape, dtype=scores.dtype, device=scores.device)
    return by_row.masked_scatter(response, scores).sum(dim=1)
