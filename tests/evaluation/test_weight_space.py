"""Points in weight space: weights come back bit for bit, lines and planes hold their points, directions fit columns."""

import numpy as np
import pytest
import torch
from torch import nn

from maze_rl.evaluation.weight_space import filter_direction, flat, line, losses_at, plane_through


class Bowl(nn.Module):
    """A matrix and a vector; the loss is the sum of their squares."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.tensor([[3.0, 0.5], [4.0, 1.2]]))
        self.vector = nn.Parameter(torch.tensor([0.1, 1 / 3]))


def squares(model: nn.Module) -> float:
    return sum(float(parameter.detach().double().square().sum()) for parameter in model.parameters())


def test_losses_are_those_of_the_points_and_the_weights_come_back() -> None:
    model = Bowl()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    points = torch.stack([torch.zeros(6), torch.ones(6), flat(model)])
    assert losses_at(model, points, squares) == pytest.approx([0, 6, squares(model)])

    def fails(model: nn.Module) -> float:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        losses_at(model, points, fails)
    assert all(torch.equal(parameter, before[name]) for name, parameter in model.named_parameters())


def test_a_plane_holds_its_three_points() -> None:
    start, first, second, aside = torch.randn(4, 50, generator=torch.Generator().manual_seed(0))
    plane = plane_through(start, first, second)
    corners = torch.stack([start, first, second])
    coordinates = plane.coordinates(corners)
    assert coordinates[0] == pytest.approx([0, 0])
    assert coordinates[1] == pytest.approx([float((first - start).norm()), 0], abs=1e-5)
    torch.testing.assert_close(plane.at(coordinates), corners)
    assert plane.share(corners) == pytest.approx(1, abs=1e-6)
    assert plane.share(aside[None]) < 0.6


def test_the_ends_of_a_line_are_exact() -> None:
    start, end = torch.randn(2, 1000, generator=torch.Generator().manual_seed(1))
    points = line(start, end, np.array([0.0, 0.5, 1.0, 2.0]))
    assert torch.equal(points[0], start)
    assert torch.equal(points[2], end)
    torch.testing.assert_close(points[3], end + (end - start))


def test_a_direction_has_the_columns_lengths_of_the_weights() -> None:
    model = Bowl()
    away = filter_direction(model, 0, 0)
    assert away[:4].view(2, 2).norm(dim=0).tolist() == pytest.approx([5.0, 1.3])
    assert away[4:].tolist() == [0, 0]
    assert not torch.equal(away, filter_direction(model, 0, 1))
