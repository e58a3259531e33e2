"""Soft cross-entropy on weighted positions: loss = sum over (b, t) of w[b,t] * -sum_v q[b,t,v] log p[b,t,v].

q is the target distribution, p the model's at position t - 1. The sum is not normalised here: the trainer
divides by the weights of the whole step, which makes accumulation and micro-batches exact.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.models.readout import logits_at
from maze_rl.training.examples import Examples
from maze_rl.training.loss_targets import Targets


class Loss(NamedTuple):
    """What one micro-batch contributes."""

    total: Float[Tensor, ""]
    """Weighted sum of cross-entropies, nats."""
    correct: Float[Tensor, ""]
    """Weighted count of positions whose most likely token has target mass."""


def soft_cross_entropy(
    model: HookedTransformer, examples: Examples, weights: Float[Tensor, "batch pos"], targets: Targets
) -> Loss:
    """Compute the loss of one micro-batch; logits exist only where a weight is not zero."""
    chosen = weights[:, 1:] != 0
    logits = logits_at(model, examples.tokens[:, :-1], chosen).float()
    ids, mass = targets.ids[:, 1:][chosen], targets.probabilities[:, 1:][chosen]
    weight = weights[:, 1:][chosen]
    log_probabilities = torch.log_softmax(logits, dim=-1)
    total = -(weight[:, None] * mass * log_probabilities.gather(1, ids)).sum()
    hit = ((logits.detach().argmax(dim=-1, keepdim=True) == ids) & (mass > 0)).any(dim=-1)
    return Loss(total, (weight * hit).sum())
