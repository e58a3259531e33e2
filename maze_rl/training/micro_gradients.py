"""Losses and gradients of micro-batches: on a CPU several at a time, a thread each.

The operations of a small model are too short to be shared between threads; whole micro-batches are not. Every one is
computed by one thread, and gradients are added up in the order of the micro-batches: so the sum does not depend, in any
bit, on how many threads there are or which is first.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError
from maze_rl.models.threads import side_by_side
from maze_rl.own_plugins import named, named_in_errors
from maze_rl.training.slots import Loss, Objective

Gradients = tuple[Tensor | None, ...]


def micro_losses(
    model: HookedTransformer,
    objective: Objective,
    micro_batches: Sequence[Any],
    *,
    leaves: Sequence[Tensor],
    divisor: float,
    gradient: bool = True,
    precision: Callable[[], torch.autocast],
) -> Iterator[Loss]:
    """Yield the loss of each micro-batch, without graph, and add the gradient of its share to ``leaf.grad``.

    Args:
        model: The network.
        objective: Gives the loss.
        micro_batches: What it is of, in order.
        leaves: Tensors that gradients are asked for.
        divisor: The step's one normaliser: a share is ``loss / divisor``.
        gradient: Whether gradients are computed and added at all.
        precision: Makes the context in which losses are computed.
    """

    def work(micro: Any) -> tuple[Loss, Gradients]:
        with torch.set_grad_enabled(gradient), precision(), named_in_errors("objective", objective):
            found = objective.loss(model, micro)
        if not isinstance(found, Loss):
            raise ConfigurationError(f"objective {named(objective)}: expected a Loss(total, measures), got {found!r}.")
        if not gradient:
            return found, ()
        return _detached(found), torch.autograd.grad(found.total / divisor, leaves, allow_unused=True)

    for found, gradients in side_by_side(work, micro_batches, model.cfg.device or "cpu"):
        for leaf, share in zip(leaves, gradients, strict=False):
            if share is not None:
                _add(leaf, share)
        yield found


def _add(leaf: Tensor, gradient: Tensor) -> None:
    """Add to the gradient of a leaf, in the leaf's own memory layout."""
    if leaf.grad is None:
        leaf.grad = torch.empty_like(leaf).copy_(gradient)
    else:
        leaf.grad.add_(gradient)


def _detached(found: Loss) -> Loss:
    return Loss(found.total.detach(), found.measures)
