"""Micro-batches side by side give the bits of one after another, and the gradient of a plain backward pass."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from maze_rl.models.weights_once import weights_once
from maze_rl.training.batches import batch_maker
from maze_rl.training.laws import fresh, tiny_searching_run
from maze_rl.training.micro_gradients import micro_losses
from maze_rl.training.settings import settings
from maze_rl.training.state import TrainingState
from maze_rl.training.step import add_up_gradients


@contextmanager
def threads(number: int):
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def made_ready(micro_batch_tokens: int):
    run = tiny_searching_run()
    run = replace(run, training=replace(run.training, micro_batch_tokens=micro_batch_tokens))
    state, stretch = fresh(run), run.training.stretches[0]
    return run, state, settings(state, run.training, stretch)(0).objective, batch_maker(state, run.training, stretch)(0)


def gradients(state: TrainingState) -> list[torch.Tensor]:
    return [weight.grad for weight in state.model.parameters() if weight.grad is not None]


def test_any_number_of_threads_gives_the_same_bits() -> None:
    found = []
    for number in (1, 2, 3):
        run, state, objective, batch = made_ready(64)
        assert max(map(len, batch.mini_batches)) > 2
        with threads(number):
            sums = add_up_gradients(state, run.training, objective, batch)
            assert torch.get_num_threads() == number
        found.append((sums.loss, gradients(state)))
    (loss, plain), *others = found
    for other_loss, other in others:
        assert other_loss == loss
        assert all(map(torch.equal, plain, other))


def test_the_gradient_is_that_of_a_backward_pass_bit_for_bit() -> None:
    run, state, objective, batch = made_ready(64)
    with threads(2):
        add_up_gradients(state, run.training, objective, batch)
    ours = gradients(state)
    _, state, objective, batch = made_ready(64)
    normaliser = sum(objective.weight(state.model, micro) for mini in batch.mini_batches for micro in mini)
    with threads(1), weights_once(state.model):
        for mini in batch.mini_batches:
            for micro in mini:
                (objective.loss(state.model, micro).total / normaliser).backward()
    assert len(ours) == len(gradients(state)) > 10
    assert all(map(torch.equal, ours, gradients(state)))


def test_where_none_is_asked_for_no_gradient_is_computed() -> None:
    _, state, objective, batch = made_ready(64)
    leaves = list(state.model.parameters())
    mini = batch.mini_batches[0]
    found = micro_losses(
        state.model,
        objective,
        mini,
        leaves=leaves,
        divisor=1.0,
        gradient=False,
        precision=lambda: torch.autocast("cpu", enabled=False),
    )
    assert all(not loss.total.requires_grad for loss in found)
    assert not gradients(state)


def test_an_error_in_a_thread_is_raised_where_the_step_is_taken() -> None:
    run, state, objective, batch = made_ready(64)

    class Broken:
        weight = objective.weight

        def loss(self, model, micro):
            raise ValueError("somewhere inside")

    with threads(2), pytest.raises(ValueError, match="somewhere inside"):
        add_up_gradients(state, run.training, Broken(), batch)
