"""Soft cross-entropy on weighted positions: loss = sum over (b, t) of w[b,t] * -sum_v q[b,t,v] log p[b,t,v].

q is the target distribution, p the model's at position t - 1. The sum is not normalised here: the trainer
divides by the weights of the whole step, which makes accumulation and micro-batches exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.models.readout import logits_at, predictable_words
from maze_rl.own_plugins import named, named_in_errors
from maze_rl.training.examples import Examples
from maze_rl.training.loss_targets import Targets
from maze_rl.training.losses import LossFunctions
from maze_rl.training.model_inputs import model_inputs
from maze_rl.training.slots import Loss
from maze_rl.training.weight_factors import WeightFactor


@dataclass(frozen=True, eq=False)
class Decisions(Shown):
    """What is asked of a micro-batch: a row for each token to predict, in row-major order of (batch, pos)."""

    tokens: Int64[Tensor, "batch input"]
    """What the network reads."""
    segments: Int64[Tensor, "batch input"] | None
    chosen: Bool[Tensor, "batch input"]
    """Where logits are asked for."""
    predicted: Bool[Tensor, "batch next"]
    """Which tokens of the sequences but their first are to be predicted."""
    ids: Int64[Tensor, "rows choices"]
    """Tokens with target mass, as places among the words that the model can predict."""
    mass: Float[Tensor, "rows choices"]
    weight: Float[Tensor, " rows"]


def summed(asked: Decisions, logits: Float[Tensor, "rows words"]) -> Float[Tensor, ""]:
    """Return the weighted sum of the cross-entropies, nats."""
    log_probabilities = torch.log_softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=-1)
    return -(asked.weight[:, None] * asked.mass * log_probabilities.gather(1, asked.ids)).sum()


def hits(asked: Decisions, logits: Float[Tensor, "rows words"]) -> Bool[Tensor, " rows"]:
    """Tell whose most likely token has target mass."""
    return ((logits.detach().argmax(dim=-1, keepdim=True) == asked.ids) & (asked.mass > 0)).any(dim=-1)


class CrossEntropy(Shown):
    """The objective of supervised training.

    Args:
        losses: Where the loss is taken and what it asks for.
        factors: What the weights are multiplied by.
        gradient_loops: The last loops of a step that gradients go through; None for all.
    """

    def __init__(
        self, losses: LossFunctions, factors: Sequence[WeightFactor] = (), gradient_loops: int | None = None
    ) -> None:
        self.losses, self.factors, self.gradient_loops = losses, tuple(factors), gradient_loops
        self._weighed: WeakKeyDictionary[Examples, Tensor] = WeakKeyDictionary()

    def weight(self, model: HookedTransformer, micro: Examples) -> float:
        """Return the sum of the weights; `loss` takes the same ones, whatever the factors say of the model then.

        Raises:
            ConfigurationError: One is negative or no number.
        """
        weights = self._weights(model, micro)
        if self.factors:  # one may ask the model, which costs a forward pass
            self._weighed[micro] = weights
        if not bool((weights >= 0).all()):
            raise ConfigurationError(f"loss weights {named(self.losses.weights)}: all must be 0 or above.")
        return float(weights.sum())

    def loss(self, model: HookedTransformer, micro: Examples) -> Loss:
        """Return the weighted sum, nats; logits exist only where a weight is not zero.

        `accuracy` counts the weight of the positions whose most likely token has target mass.
        """
        return self.score(model, self.asked(model, micro), micro.loops)

    def score(
        self,
        model: HookedTransformer,
        asked: Decisions,
        loops: int | None,
        begun: Float[Tensor, "batch input d_model"] | None = None,
    ) -> Loss:
        """Return the loss of what is asked, in a step of so many loops, which begin with a stream or the embedding."""
        logits = logits_at(
            model,
            asked.tokens,
            asked.chosen,
            segments=asked.segments,
            loops=loops,
            gradient_loops=self.gradient_loops,
            words=predictable_words(model),
            begun=begun,
        )
        return Loss(summed(asked, logits), {"accuracy": (asked.weight * hits(asked, logits)).sum()})

    def asked(self, model: HookedTransformer, micro: Examples) -> Decisions:
        """Return what is asked of a micro-batch, on the model's device."""
        device, words = model.cfg.device, predictable_words(model)
        weighed, targets = self._weighed.get(micro), self._targets(micro)
        weights = self._weights(model, micro) if weighed is None else weighed
        chosen = weights != 0
        read = model_inputs(micro.spans, weights)
        ids = targets.ids[:, 1:][chosen].to(device)
        return Decisions(
            read.tokens.to(device, non_blocking=True),
            None if read.segments is None else read.segments.to(device),
            read.chosen.to(device),
            chosen,
            ids if words is None else torch.searchsorted(words, ids),
            targets.probabilities[:, 1:][chosen].to(device),
            weights[chosen].to(device),
        )

    def _weights(self, model: HookedTransformer, micro: Examples) -> Float[Tensor, "batch pos"]:
        """Return the weights of predicting every token but the first."""
        weights = self._base_weights(micro)
        for factor in self.factors:
            weights = weights * factor(model, micro)[:, 1:]
        _refuse_leaks(model, micro, weights)
        return weights

    def _base_weights(self, micro: Examples) -> Float[Tensor, "batch pos"]:
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


def _refuse_leaks(model: HookedTransformer, micro: Examples, weights: Tensor) -> None:
    """Refuse to ask for tokens of a prompt that sees them already."""
    config = getattr(model, "maze_config", None)
    if config is None or config.prompt == "causal":
        return
    in_prompt = micro.spans.positions[1:] <= micro.spans.path_start[:, None]
    if bool((weights[in_prompt.expand(weights.shape)] != 0).any()):
        raise ConfigurationError(
            "a visible prompt with loss on the prompt: every token of it sees the one it is to predict. Use a loss on "
            "the path alone, such as path_only."
        )
