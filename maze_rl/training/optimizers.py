"""Optimizers: factories ``(model, config) -> torch.optim.Optimizer``.

Weight matrices inside the blocks decay; embeddings, norms and biases do not. Each group keeps its peak
learning rate in `peak_lr`, which the schedule scales.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import schedulefree
import torch
from torch import nn
from transformer_lens import HookedTransformer

from maze_rl.configs.training import TrainingConfig
from maze_rl.training.muon import Muon

_BLOCK_MATRIX = re.compile(r"blocks\.\d+\.\w+\.(?:W_\w+|parametrizations\.W_\w+\.original)")
"""A weight matrix of a block, also where it is what a parametrization starts from."""
OptimizerFactory = Callable[[HookedTransformer, TrainingConfig], torch.optim.Optimizer]


def adamw(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019) with betas 0.9 and 0.95."""
    return torch.optim.AdamW(_groups(model, config), betas=(0.9, 0.95))


def sgd(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Stochastic gradient descent with Nesterov momentum 0.9."""
    return torch.optim.SGD(_groups(model, config), momentum=0.9, nesterov=True)


def rmsprop(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """RMSprop with a decay rate of 0.99."""
    return torch.optim.RMSprop(_groups(model, config))


def adagrad(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Adagrad (Duchi et al. 2011)."""
    return torch.optim.Adagrad(_groups(model, config))


def schedule_free(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Schedule-free AdamW (Defazio et al. 2024): it averages weights in place of a schedule, so give it `constant`."""
    optimizer = schedulefree.AdamWScheduleFree(_groups(model, config), betas=(0.9, 0.95))
    optimizer.train()
    return optimizer


def muon(model: HookedTransformer, config: TrainingConfig) -> torch.optim.Optimizer:
    """Muon on the block's weight matrices at `matrix_learning_rate`, AdamW on the rest."""
    matrices, rest = _groups(model, config)
    matrices |= {"matrix": True, "lr": config.matrix_learning_rate, "peak_lr": config.matrix_learning_rate}
    return Muon([matrices, rest | {"matrix": False}], d_model=model.cfg.d_model)


OPTIMIZER_FACTORIES: dict[str, OptimizerFactory] = {
    "muon": muon, "adamw": adamw, "sgd": sgd, "rmsprop": rmsprop, "adagrad": adagrad,
    "schedule_free": schedule_free,
}  # fmt: skip


@contextmanager
def evaluation_weights(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Within, the model has the weights to be measured and saved; they differ from those in training if averaged."""
    if not isinstance(optimizer, schedulefree.AdamWScheduleFree):
        yield
        return
    optimizer.eval()
    try:
        yield
    finally:
        optimizer.train()


def settle(optimizer: torch.optim.Optimizer) -> None:
    """End with an optimizer: leave the model with the weights to be measured."""
    if isinstance(optimizer, schedulefree.AdamWScheduleFree):
        optimizer.eval()


def _groups(model: HookedTransformer, config: TrainingConfig) -> list[dict[str, Any]]:
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
