"""Points in the space of a model's weights: the loss at them, lines and planes through them, random directions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor, nn

from maze_rl.displays.short_repr import Shown
from maze_rl.seeding import numpy_generator

Loss = Callable[[nn.Module], float]


def flat(model: nn.Module) -> Float[Tensor, " weight"]:
    """Return a copy of all parameters, one after another."""
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@torch.no_grad()
def place(model: nn.Module, weights: Float[Tensor, " weight"]) -> None:
    """Write weights into a model, bit for bit."""
    parameters = list(model.parameters())
    for parameter, part in zip(parameters, weights.split([each.numel() for each in parameters]), strict=True):
        parameter.copy_(part.view_as(parameter))


def losses_at(model: nn.Module, points: Float[Tensor, "point weight"], loss: Loss) -> Float[ndarray, " point"]:
    """Return the loss at each of some points.

    Args:
        model: Takes the weights of the points, and has its own again afterwards, bit for bit.
        points: Weights, as `flat` gives them.
        loss: Measures the model.
    """
    kept = flat(model)
    losses = []
    try:
        for point in points:
            place(model, point)
            losses.append(loss(model))
    finally:
        place(model, kept)
    return np.array(losses)


def line(start: Tensor, end: Tensor, shares: Float[ndarray, " point"]) -> Float[Tensor, "point weight"]:
    """Return points of the line through two others: share 0 is `start`, 1 is `end`, both exactly."""
    return torch.stack([torch.lerp(start, end, float(share)) for share in shares])


@dataclass(frozen=True)
class Plane(Shown):
    """The plane through a start and two ends; across leads to the first, up is at right angles to that."""

    start: Float[Tensor, " weight"]
    across: Float[Tensor, " weight"]
    """Of length 1, as is `up`."""
    up: Float[Tensor, " weight"]

    def coordinates(self, points: Float[Tensor, "point weight"]) -> Float[ndarray, "point 2"]:
        """Return where points lie when they are dropped on the plane."""
        away = (points - self.start).double()
        return torch.stack([away @ self.across.double(), away @ self.up.double()], dim=1).cpu().numpy()

    def at(self, coordinates: Float[ndarray, "point 2"]) -> Float[Tensor, "point weight"]:
        """Return the points of some coordinates."""
        across, up = torch.from_numpy(coordinates).to(self.start).T
        return self.start + across[:, None] * self.across + up[:, None] * self.up

    def share(self, points: Float[Tensor, "point weight"]) -> float:
        """Return which part of the squared ways from the start to some points lies in the plane, 0 to 1."""
        inside = (self.coordinates(points) ** 2).sum()
        return float(inside / (points - self.start).double().square().sum())


def plane_through(start: Tensor, first: Tensor, second: Tensor) -> Plane:
    """Return the plane of three points that are not on one line."""
    across = (first - start).double()
    across = across / across.norm()
    up = (second - start).double()
    up = up - (up @ across) * across
    return Plane(start, across.to(start), (up / up.norm()).to(start))


def filter_direction(model: nn.Module, seed: int, draw: int) -> Float[Tensor, " weight"]:
    """Return a random direction in which every column of a matrix is as long as that column of the model's weights.

    Filter normalisation, after Li et al. (2018), Visualizing the Loss Landscape of Neural Nets, arXiv 1712.09913; a
    column is what feeds one output. Vectors stay. Before it is scaled, the direction depends on (seed, draw, names,
    shapes) alone: models of one shape share it. It is on the model's device.
    """
    parts = []
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            parts.append(torch.zeros(weight.numel(), device=weight.device))
            continue
        noise = numpy_generator(seed, "landscape", draw, name).standard_normal(tuple(weight.shape), np.float32)
        random, lengths = torch.from_numpy(noise).to(weight.device), weight.detach().norm(dim=-2, keepdim=True)
        parts.append((random / random.norm(dim=-2, keepdim=True) * lengths).flatten())
    return torch.cat(parts)
