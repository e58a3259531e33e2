"""Soft cross-entropy on weighted positions: loss = sum over (b, t) of w[b,t] * -sum_v q[b,t,v] log p[b,t,v].

q is the target distribution, p the model's at position t - 1. The sum is not normalised here: the trainer
divides by the weights of the whole step, which makes accumulation and micro-batches exact.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError
from maze_rl.models.readout import logits_at
from maze_rl.own_plugins import named, named_in_errors
from maze_rl.training.examples import Examples
from maze_rl.training.loss_targets import Targets
from maze_rl.training.losses import LossFunctions
from maze_rl.training.slots import Loss


class CrossEntropy:
    """The objective of supervised training.

    Args:
        losses: Where the loss is taken and what it asks for.
    """

    def __init__(self, losses: LossFunctions) -> None:
        self.losses = losses

    def weight(self, micro: Examples) -> float:
        """Return the sum of the weights.

        Raises:
            ConfigurationError: One is negative or no number.
        """
        weights = self._weights(micro)
        if not bool((weights >= 0).all()):
            raise ConfigurationError(f"loss weights {named(self.losses.weights)}: all must be 0 or above.")
        return float(weights.sum())

    def loss(self, model: HookedTransformer, micro: Examples) -> Loss:
        """Return the weighted sum, nats; logits exist only where a weight is not zero.

        `accuracy` counts the weight of the positions whose most likely token has target mass.
        """
        device = model.cfg.device
        weights, targets = self._weights(micro), self._targets(micro)
        chosen = weights != 0
        ids, mass = targets.ids[:, 1:][chosen].to(device), targets.probabilities[:, 1:][chosen].to(device)
        weight = weights[chosen].to(device)
        logits = logits_at(model, micro.tokens[:, :-1].to(device, non_blocking=True), chosen.to(device)).float()
        log_probabilities = torch.log_softmax(logits, dim=-1)
        total = -(weight[:, None] * mass * log_probabilities.gather(1, ids)).sum()
        hit = ((logits.detach().argmax(dim=-1, keepdim=True) == ids) & (mass > 0)).any(dim=-1)
        return Loss(total, {"accuracy": (weight * hit).sum()})

    def _weights(self, micro: Examples) -> Float[Tensor, "batch pos"]:
        """Return the weights of predicting every token but the first."""
        with named_in_errors("loss weights", self.losses.weights):
            weights = self.losses.weights(micro)
        if not isinstance(weights, Tensor) or weights.shape != micro.tokens.shape:
            shape = tuple(weights.shape) if isinstance(weights, Tensor) else repr(weights)
            raise ConfigurationError(
                f"loss weights {named(self.losses.weights)}: expected Float{list(micro.tokens.shape)}, got {shape}."
            )
        return weights[:, 1:]

    def _targets(self, micro: Examples) -> Targets:
        with named_in_errors("loss targets", self.losses.targets):
            targets = self.losses.targets(micro)
        if not isinstance(targets, Targets):
            got = type(targets).__name__
            raise ConfigurationError(
                f"loss targets {named(self.losses.targets)}: expected Targets(ids, probabilities), got a {got}."
            )
        ids, mass, expected = targets.ids.shape, targets.probabilities.shape, micro.tokens.shape
        if ids != mass or ids[:-1] != expected:
            raise ConfigurationError(
                f"loss targets {named(self.losses.targets)}: expected ids and probabilities of shape "
                f"[{', '.join(map(str, expected))}, choices], got {list(ids)} and {list(mass)}."
            )
        return targets
