"""The objective of SPIN (arXiv 2401.01335, equation 4.7), with the opponent's log probabilities as constants.

With ``reward(y) = beta * (log p(y | x) - log p_opponent(y | x))`` and ``margin = reward(real) - reward(generated)``:

    loss = softplus(-margin)  or  max(0, 1 - margin),   plus nll * -log p(real | x) where asked for.

The control without a game, ``filtered``, is -log p(generated | x) of the written paths that are shortest.

A round begins at p = p_opponent, with every margin 0 and the loss at ln 2 (hinge: 1). The sum over the weighted pairs
is not normalised here: the trainer divides by the weights of the whole step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from maze_rl.configs.spin import SpinConfig
from maze_rl.displays.short_repr import Shown, short_repr
from maze_rl.training.slots import Loss
from maze_rl.training.spin.pair_batches import PairBatch
from maze_rl.training.spin.pair_table import Kind
from maze_rl.training.spin.sequence_log_probability import Score, sequence_log_probabilities

_LARGEST_EXPONENT = 30.0
_NOISE = 0.01
"""A fall of the real reward that is none, nats: rounding, and the luck of a batch."""


class BothPlayers(NamedTuple):
    """Log probabilities of a response under the two players, nats."""

    __repr__ = short_repr

    policy: Float[Tensor, " pairs"]
    opponent: Float[Tensor, " pairs"]

    @property
    def log_ratio(self) -> Float[Tensor, " pairs"]:
        """How much likelier the policy finds the response than the opponent does."""
        return self.policy - self.opponent


def pair_losses(config: SpinConfig, real: BothPlayers, generated: BothPlayers) -> Float[Tensor, " pairs"]:
    """Return the loss of each pair, from the log probabilities of its two responses under the two players."""
    if config.loss == "filtered":
        return -generated.policy
    margin = config.beta * (real.log_ratio - generated.log_ratio)
    # -logsigmoid is softplus(-margin) without a threshold or an overflow
    return -logsigmoid(margin) if config.loss == "logistic" else (1 - margin).clamp(min=0)


@dataclass(frozen=True)
class SpinObjective(Shown):
    """The objective of a round, for the trainer's slot."""

    config: SpinConfig
    score: Score = sequence_log_probabilities
    """How the log probabilities of responses are got from a model."""

    def weight(self, model: nn.Module, micro: PairBatch) -> float:
        """Return the sum of the pairs' weights."""
        return float(micro.weights.sum())

    def loss(self, model: nn.Module, micro: PairBatch) -> Loss:
        """Return the weighted sum over the pairs; one forward pass sees real and written paths together."""
        micro = micro.to(next(model.parameters()).device)
        found = self.score(model, micro.tokens, micro.starts, micro.lengths)
        real, generated = map(BothPlayers, found.chunk(2), micro.reference.chunk(2))
        scaled_real, scaled_generated = real, generated
        if self.config.length_normalised:
            tokens = (micro.lengths - micro.starts).chunk(2)
            scaled_real, scaled_generated = map(_per_token, (real, generated), tokens)
        losses = pair_losses(self.config, scaled_real, scaled_generated)
        if self.config.loss != "filtered":
            # The gradients of two equal responses cancel; exactly only if they are never added up.
            losses = torch.where(micro.kinds == Kind.IDENTICAL, losses.detach(), losses)
        losses = losses - self.config.nll * scaled_real.policy
        measures = self._measures(scaled_real, scaled_generated) | likelihoods(real, generated)
        return Loss(
            (micro.weights * losses).sum(),
            {name: (micro.weights * value.detach()).sum() for name, value in measures.items()},
        )

    def _measures(self, real: BothPlayers, generated: BothPlayers) -> dict[str, Tensor]:
        """Return what the loss is made of; `accuracy` is the share of pairs whose real path has the larger reward."""
        real_reward, generated_reward = self.config.beta * real.log_ratio, self.config.beta * generated.log_ratio
        margin = real_reward - generated_reward
        return {
            "real_reward": real_reward,
            "generated_reward": generated_reward,
            "margin": margin,
            "accuracy": (margin > 0).float(),
        }


def _per_token(players: BothPlayers, tokens: Tensor) -> BothPlayers:
    return BothPlayers(players.policy / tokens, players.opponent / tokens)


def likelihoods(real: BothPlayers, generated: BothPlayers) -> dict[str, Tensor]:
    """Return both log probabilities, the share of real paths that fell, and the divergence from the opponent.

    `kl` estimates KL(opponent || policy) from the written paths, which the opponent drew: r - 1 - log r with
    r = p / p_opponent, never negative and of low variance (Schulman, Approximating KL Divergence, 2020). It is rough:
    it sees the pairs that are trained on, not the identical ones, and those of earlier rounds had another opponent.
    """
    log_ratio = generated.log_ratio.detach()
    return {
        "real_log_probability": real.policy,
        "generated_log_probability": generated.policy,
        "real_fell": (real.log_ratio < 0).float(),
        "kl": log_ratio.clamp(max=_LARGEST_EXPONENT).expm1() - log_ratio,
    }


def falling_alarm(measures: Mapping[str, float], what: str = "real paths") -> str | None:
    """Return a warning if `what` is real has become less likely than when the round began, else None.

    The loss asks for a margin, which both log probabilities can buy by falling, the written one faster.
    """
    if measures["real_reward"] >= -_NOISE:
        return None
    return (
        f"{what} became less likely than at the start of the round (reward {measures['real_reward']:.3f}, "
        f"{measures['real_fell']:.0%} of them fell): lower the learning rate, raise beta, or add nll."
    )


def past_kl_stop(config: SpinConfig, measures: Mapping[str, float]) -> bool:
    """Tell whether the round has gone as far from its opponent as it may."""
    return config.kl_stop is not None and measures["kl"] > config.kl_stop
