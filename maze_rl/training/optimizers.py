"""Optimizers: factories ``(model, config) -> torch.optim.Optimizer``.

Weight matrices inside the blocks decay; embeddings, norms and biases do not. Each group keeps its peak
learning rate in `peak_lr`, which the schedule scales.
"""

import re
from collections.abc import Callable
from typing import Any

import torch
from schedulefree import AdamWScheduleFree
from torch import nn
from transformer_lens import HookedTransformer

from maze_rl.configs.choices import read_choice
from maze_rl.configs.training import OPTIMIZERS, TrainingConfig
from maze_rl.errors import ConfigurationError
from maze_rl.own_plugins import call_own
from maze_rl.training.learning_rates.schedule_free import schedule_free as schedule_free_adamw
from maze_rl.training.muon import Muon

_BLOCK_MATRIX = re.compile(r"blocks\.\d+\.\w+\.(?:W_\w+|parametrizations\.W_\w+\.original)")
"""A weight matrix of a block, also where it is what a parametrization starts from."""
OptimizerFactory = Callable[[HookedTransformer, TrainingConfig], torch.optim.Optimizer]


def adamw(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019) with betas 0.9 and 0.95."""
    return torch.optim.AdamW(parameter_groups(model, config), betas=(0.9, 0.95))


def sgd(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Stochastic gradient descent with Nesterov momentum 0.9."""
    return torch.optim.SGD(parameter_groups(model, config), momentum=0.9, nesterov=True)


def rmsprop(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """RMSprop with a decay rate of 0.99."""
    return torch.optim.RMSprop(parameter_groups(model, config))


def adagrad(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Adagrad (Duchi et al. 2011)."""
    return torch.optim.Adagrad(parameter_groups(model, config))


def schedule_free(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Schedule-free AdamW, which averages weights in place of a schedule; give it the schedule ``constant``."""
    return schedule_free_adamw(parameter_groups(model, config))


def muon(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Muon on the block's weight matrices at `matrix_learning_rate`, AdamW on the rest."""
    matrices, rest = parameter_groups(model, config)
    matrices |= {"matrix": True, "lr": config.matrix_learning_rate, "peak_lr": config.matrix_learning_rate}
    return Muon([matrices, rest | {"matrix": False}], d_model=model.cfg.d_model)


OPTIMIZER_FACTORIES: dict[str, OptimizerFactory] = {
    "muon": muon,
    "adamw": adamw,
    "sgd": sgd,
    "rmsprop": rmsprop,
    "adagrad": adagrad,
    "schedule_free": schedule_free,
}


def settle(optimizer: torch.optim.Optimizer) -> None:
    """End with an optimizer: leave the model with the weights to be used."""
    if isinstance(optimizer, AdamWScheduleFree):
        optimizer.eval()


def make_optimizer(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimizer of a run: a shipped one, or ``package.module:function``, called as the factories are.

    Raises:
        ConfigurationError: One's own cannot be imported or called, returns no optimizer, or its groups lack `peak_lr`.
    """
    choice = read_choice("optimizer", OPTIMIZERS, config.optimizer)
    if not choice.own:
        return OPTIMIZER_FACTORIES[choice.name](model, config)
    made = call_own("optimizer", choice, known=OPTIMIZERS, model=model, config=config)
    if not isinstance(made, torch.optim.Optimizer):
        raise ConfigurationError(f"optimizer {choice.name}: expected a torch.optim.Optimizer, got {made!r}.")
    if not all("peak_lr" in group for group in made.param_groups):
        raise ConfigurationError(
            f"optimizer {choice.name}: every group needs peak_lr, which the schedule scales: build it on "
            "maze_rl.training.optimizers.parameter_groups."
        )
    return made


def parameter_groups(model: HookedTransformer, config: TrainingConfig) -> list[dict[str, Any]]:
    """Return the trainable parameters in two groups: the block's weight matrices, which decay, and the rest."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (matrices if _BLOCK_MATRIX.fullmatch(name) else rest).append(parameter)
    rate = {"lr": config.learning_rate, "peak_lr": config.learning_rate}
    return [
        {"params": matrices, "weight_decay": config.weight_decay, **rate},
        {"params": rest, "weight_decay": 0.0, **rate},
    ]
