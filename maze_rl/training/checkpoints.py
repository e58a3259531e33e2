"""Checkpoints: all that an exact resume needs, in ``checkpoints/STEP/``.

Batches are a function of the step and nothing in training draws other random numbers, so weights,
optimizer state and counters are enough.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from maze_rl.errors import CheckpointError
from maze_rl.models.verified_files import json_bytes, read_folder, read_tensors, tensor_bytes, write_folder
from maze_rl.training.trainer import TrainingState

WEIGHTS, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.json"
_COUNTERS = ("step", "tokens", "mazes", "leaks", "longest_path", "seconds")


def save_checkpoint(state: TrainingState, folder: Path) -> Path:
    """Write the state to ``folder / STEP``; return that path.

    Raises:
        CheckpointError: The disk is full or refuses; earlier checkpoints are untouched.
    """
    tensors, rest = _split_optimizer(state.optimizer.state_dict())
    counters = {name: getattr(state, name) for name in _COUNTERS}
    target = folder / str(state.step)
    write_folder(
        target,
        {
            WEIGHTS: tensor_bytes(state.model.state_dict()),
            OPTIMIZER: tensor_bytes(tensors),
            STATE: json_bytes(counters | {"optimizer": rest}),
        },
    )
    return target


def load_checkpoint(state: TrainingState, folder: Path) -> None:
    """Fill `state` from one checkpoint; nothing is changed unless every file is sound.

    Raises:
        CheckpointError: A file is missing, truncated, altered, or of another model; names it.
    """
    files = read_folder(folder, (WEIGHTS, OPTIMIZER, STATE))
    try:
        saved = json.loads(files[STATE])
        counters = {name: saved[name] for name in _COUNTERS}
        weights = read_tensors(files[WEIGHTS])
        optimizer = _join_optimizer(read_tensors(files[OPTIMIZER]), saved["optimizer"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: not written by this version of maze_rl ({error}).") from error
    try:
        state.model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{folder / WEIGHTS}: belongs to another model: {error}") from error
    state.optimizer.load_state_dict(optimizer)
    for name in _COUNTERS:
        setattr(state, name, counters[name])


def checkpoint_steps(folder: Path) -> list[int]:
    """List the steps of the checkpoints in `folder`, ascending."""
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.is_dir() and path.name.isdigit())


def _split_optimizer(values: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, plain = {}, {}
    for index, entries in values["state"].items():
        for name, value in entries.items():
            (tensors if isinstance(value, Tensor) else plain)[f"{index}.{name}"] = value
    return tensors, {"plain": plain, "param_groups": values["param_groups"]}


def _join_optimizer(tensors: dict[str, Tensor], rest: dict[str, Any]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in (tensors | rest["plain"]).items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups = [group | ({"betas": tuple(group["betas"])} if "betas" in group else {}) for group in rest["param_groups"]]
    return {"state": state, "param_groups": groups}


def optimizer_equal(first: torch.optim.Optimizer, second: torch.optim.Optimizer) -> bool:
    """Tell whether two optimizers hold bit-identical state: what exact resume promises."""
    (first_tensors, first_rest), (second_tensors, second_rest) = (
        _split_optimizer(optimizer.state_dict()) for optimizer in (first, second)
    )
    same_keys = first_tensors.keys() == second_tensors.keys() and first_rest == second_rest
    return same_keys and all(torch.equal(first_tensors[key], second_tensors[key]) for key in first_tensors)
