"""log p(y | x): the sum over the tokens of a response, each predicted from all tokens before it, the end included."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.models.readout import logits_at


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
    position = torch.arange(1, tokens.shape[1], device=tokens.device)
    response = (position >= starts[:, None]) & (position < lengths[:, None])
    logits = logits_at(model, tokens[:, :-1], response)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    scores = torch.log_softmax(logits, dim=-1).gather(1, tokens[:, 1:][response][:, None])[:, 0]
    # A row-wise sum, unlike a scattered one, adds up in one order on every device.
    by_row = torch.zeros(response.shape, dtype=scores.dtype, device=scores.device)
    return by_row.masked_scatter(response, scores).sum(dim=1)
