"""A scale on gradients, or on what an optimizer changed; and when an optimizer cancels it.

The update is what a step makes of the weights, weight decay and momentum included: with weights a before it and b
after it, a scale s leaves a + s (b - a). A scale of 1 changes no bit and costs nothing.

Gradients are clipped by their norm without any scale, and scaled afterwards: a scale before clipping would be lost
wherever the norm is above the limit, and a small step back would become a whole one.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.training.slots import Apply, UpdateRule
from maze_rl.training.update_rules.every_step import EveryStep

SCALE_INVARIANT = (
    "adam",
    "adamw",
    "nadam",
    "radam",
    "adamax",
    "adadelta",
    "adafactor",
    "sparseadam",
    "rmsprop",
    "rprop",
    "adagrad",
    "lion",
    "lamb",
    "lars",
    "muon",
    "schedule_free",
    "adamwschedulefree",
    "radamschedulefree",
)
"""Optimizers (ours by name, others by class, small letters) whose step does not grow with the gradient."""


def take_scaled_step(
    optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor], roll: Apply, seed: int, *, on_update: bool
) -> None:
    """Take a step of `optimizer` with a roll's scale on the gradients, or on what the step changes.

    Args:
        optimizer: Has the gradients of the step, clipped.
        parameters: What it changes.
        roll: Scale, and noise where it falls on the update.
        seed: Decides the noise.
        on_update: Whether the scale falls on the update, else on the gradients.
    """
    if not on_update:
        scale_gradients(parameters, roll.scale)
    copies = remember(parameters) if on_update and (roll.scale != 1.0 or roll.noise) else []
    optimizer.step()
    if copies:
        noise = drawn_noise(parameters, copies, roll.noise, seed) if roll.noise else []
        scale_update(parameters, copies, roll.scale)
        for parameter, drawn in zip(parameters, noise, strict=False):
            with torch.no_grad():
                parameter.add_(drawn)


def gradient_norm(parameters: Iterable[Tensor]) -> Tensor:
    """Return the norm of all gradients together, Float[]."""
    return torch.nn.utils.get_total_norm([each.grad for each in parameters if each.grad is not None])


def clip_gradients(parameters: Sequence[Tensor], most: int | float, norm: Tensor | None = None) -> Tensor:
    """Multiply gradients by min(1, most / norm), in place; return the norm, Float[].

    Args:
        parameters: Have the gradients.
        most: The largest norm that is left as it is.
        norm: The norm to go by; None for that of the gradients as they are.
    """
    norm = gradient_norm(parameters) if norm is None else norm
    torch.nn.utils.clip_grads_with_norm_(parameters, most, norm)
    return norm


class GradientSum(Shown):
    """A weighted sum of gradients, beside those that the parameters hold."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        self._totals: list[Tensor | None] = [None] * len(parameters)

    @torch.no_grad()
    def add(self, scale: int | float) -> None:
        """Add the parameters' gradients, times a scale."""
        for place, parameter in enumerate(self._parameters):
            if parameter.grad is not None:
                share, total = parameter.grad * scale, self._totals[place]
                self._totals[place] = share if total is None else total.add_(share)

    def put_back(self) -> None:
        """Make the sum the parameters' gradient."""
        for parameter, total in zip(self._parameters, self._totals, strict=True):
            parameter.grad = total


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
def drawn_noise(parameters: Sequence[Tensor], copies: Sequence[Tensor], noise: int | float, seed: int) -> list[Tensor]:
    """Return noise for what changed since `remember` returned `copies`: an update that points elsewhere in part.

    Args:
        parameters: Weights after the step, unscaled.
        copies: Weights before it.
        noise: Standard deviation, in units of the root mean square change of each parameter.
        seed: Decides the noise; the same on every device.
    """
    generator, found = torch.Generator().manual_seed(seed), []
    for parameter, before in zip(parameters, copies, strict=True):
        size = (parameter - before).square().mean().sqrt()
        drawn = torch.randn(parameter.shape, generator=generator).to(parameter.device, parameter.dtype)
        found.append(drawn.mul_(noise * size))
    return found


def scale_lost(rule: UpdateRule, optimizer: str, mini_batches: int | None = None) -> str | None:
    """Return a warning where an optimizer cancels the scale of a rule, else None.

    Adam divides a gradient by its own recent size: a constant scale of it changes nothing, and a varying one only how
    much each step counts in the moving averages. A scale per mini-batch keeps its meaning against the other
    mini-batches of its step, if there are any; what they have in common is lost.

    Args:
        rule: The update rule.
        optimizer: Name of the optimizer, or of its class.
        mini_batches: How many a step has; None where that is not known.
    """
    if isinstance(rule, EveryStep) or rule.apply_to == "update" or optimizer.lower() not in SCALE_INVARIANT:
        return None
    if rule.per == "mini_batch" and mini_batches != 1:
        does = "scales per mini-batch count against each other only, and what those of a step have in common is lost"
    else:
        does = "the scale only re-weights its moving averages, and a small step back may become a whole one"
    return (
        f"apply_to={rule.apply_to} with {optimizer}: its step does not grow with the gradient, so {does}. "
        "To scale what is learnt, take apply_to=update (with per=step), or sgd."
    )
