"""Schedule-free AdamW (Defazio et al. 2024, arXiv 2405.15682): no schedule, but two sets of weights.

Gradients are taken at y, a mix of the fast iterate z and the average x, and the model is used at x. The optimizer of
the package `schedulefree` keeps y and z; it changes the weights in place from one to the other. Changing there and back
rounds, so that a run which validates would differ from one which does not: `averaged` puts the very bits of y back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from schedulefree import AdamWScheduleFree


def schedule_free(groups: list[dict[str, Any]]) -> AdamWScheduleFree:
    """Return the optimizer, ready for steps.

    The warm-up is left to the trainer, whose schedule should be `constant`: the average weighs steps by the square of
    the largest rate so far, which is the same as with a warm-up of its own.

    Args:
        groups: Parameter groups with `params`, `lr` and `weight_decay`.
    """
    optimizer = AdamWScheduleFree(groups, betas=(0.9, 0.95))
    optimizer.train()
    return optimizer


@contextmanager
def averaged(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Within, the weights are the ones to use: the average x; afterwards they are y again, bit for bit.

    Does nothing for other optimizers, and nothing where the weights are x already.
    """
    if not isinstance(optimizer, AdamWScheduleFree) or not optimizer.param_groups[0]["train_mode"]:
        yield
        return
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    kept = [parameter.detach().clone() for parameter in parameters]
    optimizer.eval()
    try:
        yield
    finally:
        optimizer.train()
        with torch.no_grad():
            for parameter, value in zip(parameters, kept, strict=True):
                parameter.copy_(value)
