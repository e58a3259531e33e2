"""The laws every plug-in keeps, as checks its author can run: ``check_laws(update_rule="my_rules:lucky")``.

- The same run twice gives the same bits.
- Stopped and resumed from a checkpoint, it gives the same bits.
- The memory split into micro-batches changes nothing but rounding.
- At its inert setting, where it has one, it equals the trainer without it, bit for bit.

Each runs a few steps of a tiny model on the CPU, in all a few seconds.
"""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import Phase, RunConfig, TrainingConfig
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.batches import batch_maker
from maze_rl.training.checkpoints import checkpoint_steps, load_checkpoint, save_checkpoint
from maze_rl.training.optimizer_state import optimizer_equal, split_tree
from maze_rl.training.settings import settings
from maze_rl.training.state import TrainingState, new_state
from maze_rl.training.step import add_up_gradients
from maze_rl.training.trainer import Callbacks, train
from maze_rl.training.validation import validator

_ROUNDING = 1e-9
"""Largest relative difference of gradients in float64."""


class LawBroken(AssertionError):
    """Raised when a plug-in breaks a law; names it and the first parameter that differs."""


def tiny_run(
    phases: tuple[Phase, ...] = (),
    model: ModelConfig | None = None,
    parametrizations: tuple[str, ...] = (),
    **training: Any,
) -> RunConfig:
    """Return a run of a few steps on 3 x 3 and 4 x 4 mazes.

    Args:
        phases: Its phases; none for six steps.
        model: Its network; None for two narrow layers.
        parametrizations: How those layers' weights are computed, by name.
        **training: Fields of `TrainingConfig`, plug-ins by name.
    """
    mazes = MazeSpec(sizes=(3, 4), split="train")
    values: dict[str, Any] = {
        "batch_size": 4,
        "accumulation": 2,
        "warmup_steps": 2,
        "checkpoint_every": 3,
        "validate_every": 3,
        "validation_mazes": 8,
    }
    return RunConfig(
        training=TrainingConfig(phases=phases or (Phase(steps=6, mazes=mazes),), **(values | training)),
        tokenization=TokenizationConfig(canvas=5, random_offsets=True),
        model=model or ModelConfig(n_layers=2, d_model=16, n_heads=2, parametrizations=parametrizations),
    )


def tiny_searching_run(
    phases: tuple[Phase, ...] = (),
    model: ModelConfig | None = None,
    parametrizations: tuple[str, ...] = (),
    **training: Any,
) -> RunConfig:
    """Return a run of a few steps of a network that searches: in loops, over a visible prompt, asked at many cells.

    Two mazes and stray tokens stand on a canvas, loops are drawn for each step, and both weight factors act.

    Args:
        phases: As for `tiny_run`.
        model: Its network; None for a narrow block of one layer, applied up to three times.
        parametrizations: As for `tiny_run`.
        **training: Fields of `TrainingConfig`, plug-ins by name.
    """
    asked: dict[str, Any] = {
        "starts": 4,
        "stray_tokens": 5,
        "mazes_per_canvas": 2,
        "training_loops": (1, 3),
        "weight_factors": ("within_reach", "auto_curriculum"),
        "loss": "path_only",
    }
    searching = model or ModelConfig(
        n_layers=1,
        loops=3,
        d_model=16,
        n_heads=2,
        embedding="factored" if parametrizations else "waves",
        unembedding="path",
        prompt="visible",
        outer_norm=True,
        parametrizations=parametrizations,
    )
    config = tiny_run(phases)
    return replace(
        config,
        training=replace(config.training, **(asked | training)),
        tokenization=TokenizationConfig(format="cells", canvas=6, random_offsets=True, origin="path"),
        model=searching,
    )


def check_laws(
    config: RunConfig | None = None, *, inert: RunConfig | None = None, plain: RunConfig | None = None, **training: Any
) -> None:
    """Check the laws for a run, or for plug-ins in a tiny one.

    Args:
        config: A run of few steps that uses the plug-in; None for `tiny_run` with the plug-ins in `training`.
        inert: A run with the plug-in at its inert setting; it is compared with `tiny_run()`, or with `plain`.
        plain: The run without the plug-in; None for `tiny_run()`.
        **training: What `tiny_run` takes, e.g. ``update_rule="my_rules:lucky,chance=0.5"``.

    Raises:
        LawBroken: Names the law.
        ConfigurationError: The plug-in is refused.
    """
    config = tiny_run(**training) if config is None else config
    straight = run(config)
    _compare(straight, run(config), "the same run twice gives the same bits")
    _compare(straight, run_resumed(config), "stopped and resumed it gives the same bits")
    check_micro_batches(config)
    if inert is not None:
        _compare_training(run(plain or tiny_run()), run(inert), "at its inert setting it equals the trainer without it")


def run(config: RunConfig) -> TrainingState:
    """Train `config` from start to end."""
    state = fresh(config)
    _go_on(state, config, lambda state: None)
    return state


def run_resumed(config: RunConfig) -> TrainingState:
    """Train `config`, stopped at every checkpoint and resumed from it in a state made anew."""
    with tempfile.TemporaryDirectory() as place:
        state, folder = fresh(config), Path(place)
        while state.step < config.training.steps:
            _go_on(state, config, lambda state: _save_and_stop(state, folder))
            newest = checkpoint_steps(folder)[-1]
            state = fresh(config)
            load_checkpoint(state, config.training, folder / str(newest))
    return state


def fresh(config: RunConfig) -> TrainingState:
    """Return the state before the first step."""
    model = build_model(config.model, Tokenization(config.tokenization), seed=config.seed)
    return new_state(model, config.training, config.seed)


def check_micro_batches(config: RunConfig) -> None:
    """Check that one sequence at a time gives the gradients of whole mini-batches.

    Raises:
        LawBroken: It does not.
    """
    gradients = []
    for most_tokens in (1_000_000, 1):
        training = replace(config.training, micro_batch_tokens=most_tokens)
        state = fresh(replace(config, training=training))
        state.model.double()
        stretch = training.stretches[0]
        if stretch.phases[0].spin is not None:
            return  # a round scores its opponent in float32: its objective has a test of its own
        setting = settings(state, training, stretch)(0)
        add_up_gradients(state, training, setting.objective, batch_maker(state, training, stretch)(0))
        gradients.append(_gradient(state))
    whole, single = gradients
    if (whole - single).norm() > _ROUNDING * whole.norm():
        raise LawBroken("the memory split into micro-batches changes the gradient")


class _Stopped(Exception):
    """Ends a run where a test wants it to."""


def _go_on(state: TrainingState, config: RunConfig, save: Callable[[TrainingState], None]) -> None:
    validate = validator(config.training, state.model.tokenization, config.seed)
    with suppress(_Stopped):
        train(state, config.training, Callbacks(validate=validate, save=save))


def _save_and_stop(state: TrainingState, folder: Path) -> None:
    save_checkpoint(state, folder)
    raise _Stopped


def _gradient(state: TrainingState) -> torch.Tensor:
    gradients = [(weight, weight.grad) for weight in state.model.parameters()]
    return torch.cat([torch.zeros_like(w).flatten() if g is None else g.flatten() for w, g in gradients])


def _compare(first: TrainingState, second: TrainingState, law: str) -> None:
    _compare_training(first, second, law)
    remembered = [{slot: plugin.state_dict() for slot, plugin in state.plugins.items()} for state in (first, second)]
    (tensors, values), (others, other_values) = map(split_tree, remembered)
    same = values == other_values and all(torch.equal(tensor, others[path]) for path, tensor in tensors.items())
    if not same:
        raise LawBroken(f"{law}: what the plug-ins remember differs")


def _compare_training(first: TrainingState, second: TrainingState, law: str) -> None:
    ours, theirs = first.model.state_dict(), second.model.state_dict()
    for name in ours.keys() | theirs.keys():
        if name not in ours or name not in theirs or not torch.equal(ours[name], theirs[name]):
            raise LawBroken(f"{law}: {name} differs")
    if not optimizer_equal(first.optimizer, second.optimizer):
        raise LawBroken(f"{law}: the optimizer's state differs")
    counts = ("step", "updates", "tokens", "mazes", "leaks")
    if any(getattr(first, name) != getattr(second, name) for name in counts):
        raise LawBroken(f"{law}: the counts differ")
