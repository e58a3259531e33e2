"""A scale on gradients and updates: exact, free where it is 1; and the warning where it is cancelled."""

from collections.abc import Callable

import pytest
import torch

from maze_rl.training.slots import UpdateRule
from maze_rl.training.update_rules.applied_scale import remember, scale_gradients, scale_lost, scale_update
from maze_rl.training.update_rules.constant_scale import ConstantScale
from maze_rl.training.update_rules.dice import DiceRoll
from maze_rl.training.update_rules.every_step import EveryStep


def weights(seed: int = 0, dtype: torch.dtype = torch.float64) -> list[torch.nn.Parameter]:
    random = torch.Generator().manual_seed(seed)
    shapes = [(3, 4), (5,), (2, 3, 2)]
    return [torch.nn.Parameter(torch.randn(shape, generator=random, dtype=dtype)) for shape in shapes]


@pytest.mark.parametrize("scale", [-1.0, -0.01, 0.0, 0.35, 0.5, 2.4])
def test_an_update_is_scaled(scale: float) -> None:
    parameters, changes = weights(), weights(1)
    before = remember(parameters)
    with torch.no_grad():
        for parameter, change in zip(parameters, changes, strict=True):
            parameter += change
    scale_update(parameters, before, scale)
    for parameter, old, change in zip(parameters, before, changes, strict=True):
        assert torch.allclose(parameter, old + scale * change, rtol=0, atol=1e-14)
        assert scale != 0 or torch.equal(parameter, old)


def test_gradients_are_scaled_and_missing_ones_passed_over() -> None:
    parameters = weights()
    parameters[0].grad = torch.ones_like(parameters[0])
    scale_gradients(parameters, -0.5)
    assert torch.equal(parameters[0].grad, torch.full_like(parameters[0], -0.5)) and parameters[1].grad is None
    scale_gradients([], 0.5)
    scale_update([], [], 0.5)


def test_a_scale_of_1_touches_nothing() -> None:
    parameters = weights()
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, torch.nan)
    versions = [parameter._version for parameter in parameters], [parameter.grad._version for parameter in parameters]  # type: ignore[union-attr]
    scale_gradients(parameters, 1.0)
    scale_update(parameters, [], 1)
    assert versions == (
        [parameter._version for parameter in parameters],
        [parameter.grad._version for parameter in parameters],  # type: ignore[union-attr]
    )


def test_copies_do_not_follow_the_weights() -> None:
    parameters = weights()
    copies = remember(parameters)
    with torch.no_grad():
        parameters[0] += 1
    assert not torch.equal(copies[0], parameters[0]) and not copies[0].requires_grad


@pytest.mark.parametrize(
    ("rule", "optimizer", "mini_batches", "cancelled"),
    [
        (lambda: DiceRoll(0, apply_to="grad"), "adamw", 1, True),
        (lambda: DiceRoll(0, apply_to="loss"), "muon", 4, True),
        (lambda: ConstantScale(0.1, "grad"), "schedule_free", 1, True),
        (lambda: DiceRoll(0, apply_to="grad"), "RMSprop", 1, True),
        (lambda: DiceRoll(0, per="mini_batch"), "adagrad", 1, True),
        (lambda: DiceRoll(0, per="mini_batch"), "adamw", 4, True),
        (lambda: DiceRoll(0, per="mini_batch"), "sgd", 4, False),
        (lambda: DiceRoll(0), "adamw", 1, False),
        (lambda: DiceRoll(0, apply_to="grad"), "sgd", 1, False),
        (EveryStep, "adamw", 1, False),
    ],
)
def test_a_warning_where_an_optimizer_cancels_the_scale(
    rule: Callable[[], UpdateRule], optimizer: str, mini_batches: int, cancelled: bool
) -> None:
    warning = scale_lost(rule(), optimizer, mini_batches)
    assert (warning is not None) == cancelled
    if warning:
        assert optimizer in warning and "apply_to=update" in warning and "\n" not in warning


def test_adam_does_cancel_a_constant_scale_of_the_gradient_and_keeps_one_of_the_update() -> None:
    """Why the warning is true, and what it advises works."""
    moved = {}
    for scale in (1.0, 0.05):
        for place in ("grad", "update"):
            parameters = weights()
            start, optimizer = remember(parameters), torch.optim.AdamW(parameters, lr=0.01, eps=1e-12, weight_decay=0)
            random = torch.Generator().manual_seed(2)
            for _ in range(5):
                for parameter in parameters:
                    parameter.grad = torch.randn(parameter.shape, generator=random, dtype=parameter.dtype)
                if place == "grad":
                    scale_gradients(parameters, scale)
                before = remember(parameters)
                optimizer.step()
                if place == "update":
                    scale_update(parameters, before, scale)
            moved[scale, place] = torch.cat([(a - b).flatten() for a, b in zip(parameters, start, strict=True)])
    assert torch.allclose(moved[0.05, "grad"], moved[1.0, "grad"], atol=1e-8)
    assert torch.allclose(moved[0.05, "update"], 0.05 * moved[1.0, "update"], rtol=1e-5)
