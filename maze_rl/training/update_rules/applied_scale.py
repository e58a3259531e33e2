"""A scale on gradients, or on what an optimizer changed; and when an optimizer cancels it.

The update is what a step makes of the weights, weight decay and momentum included: with weights a before it and b
after it, a scale s leaves a + s (b - a). A scale of 1 changes no bit and costs nothing.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from maze_rl.training.slots import Apply, UpdateRule
from maze_rl.training.update_rules.every_step import EveryStep

SCALE_INVARIANT = (
    "adam", "adamw", "nadam", "radam", "adamax", "adadelta", "adafactor", "rmsprop", "adagrad", "muon",
    "schedule_free", "adamwschedulefree", "radamschedulefree",
)  # fmt: skip
"""Optimizers (ours by name, others by class, small letters) whose step does not grow with the gradient."""


def take_scaled_step(
    optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor], place: str, roll: Apply, seed: int
) -> None:
    """Take a step of `optimizer` with a roll's scale on the gradients as they are, or on what the step changes.

    Args:
        optimizer: Has the gradients of the step, clipped.
        parameters: What it changes.
        place: ``grad``, ``update``, or ``loss`` where the scale is in the gradients already.
        roll: Scale, and noise for ``update``.
        seed: Decides the noise.
    """
    if place == "grad":
        scale_gradients(parameters, roll.scale)
    copies = remember(parameters) if place == "update" and (roll.scale != 1.0 or roll.noise) else []
    optimizer.step()
    if copies and roll.noise:
        add_noise(parameters, copies, roll.noise / (roll.scale or 1.0), seed)
    if copies:
        scale_update(parameters, copies, roll.scale)


@torch.no_grad()
def scale_gradients(parameters: Iterable[Tensor], scale: int | float) -> None:
    """Multiply the gradients of `parameters` by `scale`, in place; those without one are passed over."""
    if scale != 1:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if gradients:
            torch._foreach_mul_(gradients, scale)  # type: ignore[reportPrivateImportUsage]


@torch.no_grad()
def remember(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return copies of weights as they are before a step; needed only for a scale other than 1."""
    return [parameter.detach().clone() for parameter in parameters]


@torch.no_grad()
def scale_update(parameters: Sequence[Tensor], copies: Sequence[Tensor], scale: int | float) -> None:
    """Scale what changed since `remember` returned `copies` of `parameters`, in place."""
    if scale != 1 and parameters:
        # one pass, and exact where it matters: for a scale of 0 the copies come back bit for bit
        torch._foreach_lerp_(list(parameters), list(copies), 1.0 - scale)  # type: ignore[reportPrivateImportUsage]


@torch.no_grad()
def add_noise(parameters: Sequence[Tensor], copies: Sequence[Tensor], noise: int | float, seed: int) -> None:
    """Add noise to what changed since `remember` returned `copies`, in place: an update that points elsewhere in part.

    Args:
        parameters: Weights after the step.
        copies: Weights before it.
        noise: Standard deviation, in units of the root mean square change of each parameter.
        seed: Decides the noise; the same on every device.
    """
    generator = torch.Generator().manual_seed(seed)
    for parameter, before in zip(parameters, copies, strict=True):
        size = (parameter - before).square().mean().sqrt()
        drawn = torch.randn(parameter.shape, generator=generator).to(parameter.device, parameter.dtype)
        parameter.addcmul_(drawn, size, value=noise)


def adam_cancels(rule: UpdateRule, optimizer: str, mini_batches: int = 2) -> str | None:
    """Return a warning where an optimizer cancels the scale of a rule, else None.

    Adam divides a gradient by its own recent size: a constant scale of it changes nothing, and a varying one only how
    much each step counts in the moving averages. A scale per mini-batch keeps its meaning against the other
    mini-batches of its step, if there are any.

    Args:
        rule: The update rule.
        optimizer: Name of the optimizer, or of its class.
        mini_batches: How many a step has.
    """
    whole_step = rule.per == "step" or mini_batches == 1
    if isinstance(rule, EveryStep) or rule.apply_to == "update" or not whole_step:
        return None
    if optimizer.lower() not in SCALE_INVARIANT:
        return None
    return (
        f"apply_to={rule.apply_to} with {optimizer}: its step does not grow with the gradient, so the scale only "
        "re-weights its moving averages. To scale what is learnt, take apply_to=update (with per=step), or sgd."
    )
