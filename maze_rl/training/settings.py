"""What holds in each phase: its objective, its learning-rate schedule, and what a controller may measure."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch

from maze_rl.configs.choices import read_choice
from maze_rl.configs.learning_rates import SCHEDULES
from maze_rl.configs.losses import OBJECTIVES
from maze_rl.configs.training import Phase, Stretch, TrainingConfig
from maze_rl.errors import ConfigurationError
from maze_rl.models.build import MazeTransformer
from maze_rl.models.weights_once import weights_once
from maze_rl.own_plugins import call_own
from maze_rl.training.false_targets import FalseTargets
from maze_rl.training.hints import Hints
from maze_rl.training.learning_rates.choose import schedule
from maze_rl.training.losses import loss_functions
from maze_rl.training.objective import CrossEntropy
from maze_rl.training.path_dropout import PathDropout
from maze_rl.training.slots import Objective
from maze_rl.training.source import split_by_length
from maze_rl.training.spin.objective import SpinObjective
from maze_rl.training.state import TrainingState
from maze_rl.training.step import Setting
from maze_rl.training.validation import held_back_examples
from maze_rl.training.weight_factors import weight_factor

CONTROLLER_MAZES = 128
"""Mazes a controller measures the loss on, where the training mazes come again."""


def settings(state: TrainingState, config: TrainingConfig, stretch: Stretch) -> Callable[[int], Setting]:
    """Return a function from a step of the stretch to what holds there."""

    @cache
    def of_phase(number: int) -> Setting:
        phase = config.phases[number]
        return Setting(
            objective=objective(config, phase, state.seed),
            multiplier=_multiplier(config, stretch, phase.rate),
            steps=stretch.steps,
            held_out=_measuring_apart(state, config, phase) if state.controller and comes_again(phase) else None,
        )

    return lambda step: of_phase(config.phase_number(step))


def comes_again(phase: Phase) -> bool:
    """Tell whether a phase may train on the same mazes twice, so that its training loss is not held out."""
    return phase.data is not None or phase.spin is not None


def objective(config: TrainingConfig, phase: Phase, seed: int) -> Objective:
    """Return what a phase minimises.

    One's own objective, ``package.module:function``, is called with `plain`, a `CrossEntropy`, beside its options.

    Raises:
        ConfigurationError: One's own cannot be imported or called.
    """
    if phase.spin is not None:
        return SpinObjective(phase.spin)
    factors = [weight_factor(text) for text in config.weight_factors]
    plain = CrossEntropy(loss_functions(config.loss_at(phase)), factors, config.gradient_loops)
    choice = read_choice("objective", OBJECTIVES, config.objective)
    if choice.own:
        own = call_own("objective", choice, seed, known=OBJECTIVES, plain=plain)
        if not isinstance(own, Objective):
            raise ConfigurationError(
                f"objective {choice.name}: expected an object with weight(model, micro) and loss(model, micro), got "
                f"{own!r}."
            )
        return own
    made: dict[str, Callable[..., Objective]] = {
        "cross_entropy": lambda: plain,
        "hints": lambda weight: Hints(plain, weight),
        "path_dropout": lambda share: PathDropout(plain, share, seed),
        "false_targets": lambda share: FalseTargets(plain, share, seed),
    }
    return made[choice.name](**choice.options)


def _multiplier(config: TrainingConfig, stretch: Stretch, rate: float) -> Callable[[int], float]:
    """Return the schedule over the stretch; one that restarts warms up over a tenth of its steps at most."""
    choice = read_choice("schedule", SCHEDULES, config.schedule)
    warmup = config.warmup_steps if stretch.number == 0 else min(config.warmup_steps, max(1, stretch.steps // 10))
    curve = schedule(choice)
    return lambda updates: rate * curve(updates, stretch.steps, warmup)


def _measuring_apart(
    state: TrainingState, config: TrainingConfig, phase: Phase
) -> Callable[[MazeTransformer], float] | None:
    """Return a measure of the loss on mazes of the validation split that `validator` does not use.

    In a round of self-play, whose pairs come again, that is the run's own loss: what the game is to improve.
    """
    indices = np.arange(config.validation_mazes, config.validation_mazes + CONTROLLER_MAZES)
    examples = held_back_examples(phase.mazes, state.model.tokenization, indices, state.seed)
    if examples is None:
        return None
    micro_batches = list(split_by_length(examples, config.micro_batch_tokens))
    measured = CrossEntropy(loss_functions(config.loss_at(phase)))
    weight = sum(measured.weight(state.model, micro) for micro in micro_batches)

    @torch.no_grad()
    def measure(model: MazeTransformer) -> float:
        state.controller_tokens += sum(micro.num_tokens for micro in micro_batches)
        with weights_once(model):
            return sum(float(measured.loss(model, micro).total) for micro in micro_batches) / weight

    return measure
