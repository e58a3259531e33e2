"""What the loss asks for: plain functions ``(examples) -> Targets``, a distribution over next tokens."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.training.examples import Examples


@dataclass(frozen=True, eq=False)
class Targets(Shown):
    """A sparse distribution for every position: mass ``probabilities[..., k]`` on token ``ids[..., k]``."""

    ids: Int64[Tensor, "batch pos choices"]
    probabilities: Float[Tensor, "batch pos choices"]


LossTargets = Callable[[Examples], Targets]


def next_token(examples: Examples) -> Targets:
    """Ask for the token that stands there: one shortest path among possibly several."""
    ids = examples.tokens[..., None]
    return Targets(ids, torch.ones(ids.shape))


def optimal_set(examples: Examples) -> Targets:
    """Ask for all optimal moves alike; outside the path, for the token that stands there.

    With two optimal moves the best a model can do is half and half, at a loss of ln 2.
    """
    return _on_path(examples, examples.optimal, (examples.optimal >= 0).float())


def graded(g: int | float = 0.1) -> LossTargets:
    """Ask for all legal moves, graded: mass 1 on each optimal one, `g` on each other one, 0 on walls, normalised.

    So a valid but longer way costs less than a wall (maze-transformer, issue 121). Steps back are legal too. With
    ``g=0`` it is `optimal_set`; outside the path it is the token that stands there.
    """

    def ask(examples: Examples) -> Targets:
        optimal, legal = examples.optimal >= 0, examples.legal >= 0
        return _on_path(examples, examples.legal, optimal.float() + g * (legal & ~optimal))

    return ask


def _on_path(
    examples: Examples, ids: Int64[Tensor, "batch pos choices"], mass: Float[Tensor, "batch pos choices"]
) -> Targets:
    """Return the targets with `mass` on `ids` on the path, and the tokens that stand there elsewhere."""
    elsewhere = examples.optimal[..., 0] < 0
    ids, mass = ids.clone(), mass.clone()
    ids[..., 0] = torch.where(elsewhere, examples.tokens, ids[..., 0])
    mass[..., 0] = torch.where(elsewhere, 1.0, mass[..., 0])
    return Targets(ids.clamp(min=0), mass / mass.sum(dim=-1, keepdim=True))
