"""All that changes while training; saving it and loading it continues bit for bit."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from schedulefree import AdamWScheduleFree
from torch import Tensor, nn

from maze_rl.configs.choices import read_choice
from maze_rl.configs.learning_rates import CONTROLLERS
from maze_rl.configs.training import Phase, TrainingConfig
from maze_rl.configs.update_rules import UPDATE_RULES
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.models.build import MazeTransformer
from maze_rl.models.digest import weights_digest
from maze_rl.models.parametrizations.low_rank import add_adapters, merge_adapters
from maze_rl.models.verified_files import json_bytes
from maze_rl.own_plugins import named, named_in_errors
from maze_rl.training.learning_rates.choose import controller
from maze_rl.training.optimizer_state import load_optimizer_tree, optimizer_tree, split_tree
from maze_rl.training.optimizers import make_optimizer, settle
from maze_rl.training.slots import Beginning, Controller, Stateful, UpdateRule
from maze_rl.training.update_rules.choose import update_rule
from maze_rl.training.update_rules.every_step import EveryStep


@dataclass
class TrainingState(Shown):
    """A model in training, its optimizer and plug-ins, and the counts."""

    model: MazeTransformer
    optimizer: torch.optim.Optimizer
    update_rule: UpdateRule
    controller: Controller | None
    seed: int
    """Seed of the run's random streams."""
    step: int = 0
    """Batches used up, or passed over where a round ended early."""
    updates: int = 0
    """Optimizer steps taken in this stretch: the place in the learning-rate schedule."""
    tokens: int = 0
    mazes: int = 0
    leaks: int = 0
    """Mazes seen that do not belong to the train split."""
    longest_path: int = 0
    """Steps of the longest path seen."""
    seconds: float = 0.0
    """Wall-clock time of training: steps, waiting for batches, validation and checkpoints."""
    cpu_seconds: float = 0.0
    """CPU time of the same, of all threads: what two runs can be compared by on a machine with other work."""
    controller_tokens: int = 0
    """Tokens controllers measured a loss on, beside those trained on."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What phases and controllers keep for later, as trees of tensors and JSON values: pairs, remembered weights."""

    @property
    def parameters(self) -> list[Tensor]:
        """The parameters that are trained."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    @property
    def plugins(self) -> dict[str, Stateful]:
        """The plug-ins that remember something, by slot."""
        found = {"update_rule": self.update_rule, "controller": self.controller}
        return {slot: plugin for slot, plugin in found.items() if isinstance(plugin, Stateful)}

    def remember(self) -> None:
        """Keep a copy of weights and optimizer state."""
        optimizer = deepcopy(optimizer_tree(self.optimizer))
        self.kept["remembered"] = {"weights": weights_copy(self.model), "optimizer": optimizer}

    def go_back(self) -> bool:
        """Return to the copy `remember` kept; tell whether there is one. Counts and plug-ins go on."""
        copy = self.kept.get("remembered")
        if copy is None:
            return False
        self.model.load_state_dict(copy["weights"])
        load_optimizer_tree(self.optimizer, deepcopy(copy["optimizer"]))
        return True


def new_state(model: MazeTransformer, config: TrainingConfig, seed: int = 0) -> TrainingState:
    """Return the state before the first step."""
    state = TrainingState(
        model,
        make_optimizer(model, config),
        update_rule(read_choice("update rule", UPDATE_RULES, config.update_rule), seed),
        controller(read_choice("learning-rate controller", CONTROLLERS, config.lr_controller), seed),
        seed,
    )
    build_for(state, config, config.phases[0])
    _check_composed(state)
    return state


def _check_composed(state: TrainingState) -> None:
    """Refuse what the configuration cannot see: plug-ins of one's own that do not fit, or could not be saved."""
    for slot, plugin in state.plugins.items():
        with named_in_errors(slot.replace("_", " "), plugin):
            kept = plugin.state_dict()
        try:
            json_bytes(split_tree(kept)[1])
        except (ConfigurationError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(f"{slot.replace('_', ' ')} {named(plugin)}: state_dict(): {error}") from error
    scaled = state.update_rule.apply_to == "update" and not isinstance(state.update_rule, EveryStep)
    if scaled and isinstance(state.optimizer, AdamWScheduleFree):
        raise ConfigurationError(
            f"update rule {type(state.update_rule).__name__} scales updates, which a schedule-free optimizer cannot "
            "follow: use apply_to='grad', or another optimizer."
        )


def build_for(state: TrainingState, config: TrainingConfig, phase: Phase) -> None:
    """Build what a stretch that begins with `phase` trains: its adapters, and an optimizer of its own."""
    if phase.spin is not None:
        state.kept["opponent"] = weights_digest(state.model)
        if phase.spin.keep_best and "best" not in state.kept:
            state.kept["before"] = weights_copy(state.model)
    if phase.lora is not None:
        add_adapters(state.model, phase.lora, seed=state.seed)
    renew_optimizer(state, config)


def take_down(state: TrainingState, config: TrainingConfig, phase: Phase) -> None:
    """Leave a plain model with the weights to be used: averaged ones, adapters become part of the weights."""
    settle(state.optimizer)
    if phase.lora is not None:
        merge_adapters(state.model)
        renew_optimizer(state, config)


def rebuild_at(state: TrainingState, config: TrainingConfig, step: int) -> None:
    """Make a fresh state what it is to be at a later step, before a checkpoint fills it."""
    if step >= config.stretches[0].last:
        take_down(state, config, config.phases[0])
        if step < config.steps:
            build_for(state, config, config.phase_at(step))


def renew_optimizer(state: TrainingState, config: TrainingConfig) -> None:
    """Begin with a fresh optimizer, at the start of the schedule."""
    state.optimizer = make_optimizer(state.model, config)
    state.updates = 0
    state.kept.pop("remembered", None)
    if isinstance(state.controller, Beginning):
        state.controller.begin()


def weights_copy(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of all weights."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
