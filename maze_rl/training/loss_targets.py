"""What the loss asks for: plain functions ``(examples) -> Targets``, a distribution over next tokens."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from maze_rl.training.examples import Examples


@dataclass(frozen=True, eq=False)
class Targets:
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
    on_path = examples.optimal[..., 0] >= 0
    ids = torch.where(on_path[..., None], examples.optimal, -1)
    ids[..., 0] = torch.where(on_path, ids[..., 0], examples.tokens)
    present = (ids >= 0).float()
    return Targets(ids.clamp(min=0), present / present.sum(dim=-1, keepdim=True))
