"""Checkpoints: all that an exact resume needs, in ``checkpoints/STEP/``.

Batches are a function of the step, or of the pairs that are saved here, so weights, optimizer state, counters and
what plug-ins remember are enough.
"""

import json
from os import PathLike
from pathlib import Path

from maze_rl.configs.training import TrainingConfig
from maze_rl.errors import CheckpointError
from maze_rl.mazes.interchange.leftovers import remove_leftovers
from maze_rl.models.verified_files import json_bytes, read_folder, read_tensors, tensor_bytes, write_folder
from maze_rl.training.optimizer_state import join_tree, load_optimizer_tree, optimizer_tree, split_tree
from maze_rl.training.state import TrainingState, rebuild_at

WEIGHTS, OPTIMIZER, MEMORY, STATE = "model.safetensors", "optimizer.safetensors", "memory.safetensors", "state.json"
_COUNTERS = (
    "step",
    "updates",
    "tokens",
    "mazes",
    "leaks",
    "longest_path",
    "seconds",
    "cpu_seconds",
    "controller_tokens",
)


def save_checkpoint(state: TrainingState, folder: str | PathLike[str]) -> Path:
    """Write the state to ``folder / STEP``; return that path.

    Raises:
        CheckpointError: The disk is full or refuses; earlier checkpoints are untouched.
    """
    folder = Path(folder)
    optimizer = optimizer_tree(state.optimizer)
    memory = {"plugins": {slot: plugin.state_dict() for slot, plugin in state.plugins.items()}, "kept": state.kept}
    memory_tensors, memory_values = split_tree(memory)
    counters = {name: getattr(state, name) for name in _COUNTERS}
    target = folder / str(state.step)
    remove_leftovers(folder)  # of a run that was killed while it wrote; only one writes here
    files = {
        WEIGHTS: tensor_bytes(state.model.state_dict()),
        OPTIMIZER: tensor_bytes(optimizer.pop("tensors")),
        MEMORY: tensor_bytes(memory_tensors),
        STATE: json_bytes(counters | {"optimizer": optimizer, "memory": memory_values}),
    }
    write_folder(target, files)
    return target


def load_checkpoint(state: TrainingState, config: TrainingConfig, folder: str | PathLike[str]) -> None:
    """Fill `state`, which is fresh, from one checkpoint.

    Raises:
        CheckpointError: A file is missing, truncated, altered, or of another model or plug-in; names it. Then `state`
            is of no more use.
    """
    folder = Path(folder)
    files = read_folder(folder, (WEIGHTS, OPTIMIZER, MEMORY, STATE))
    try:
        saved = json.loads(files[STATE])
        counters = {name: saved[name] for name in _COUNTERS}
        weights = read_tensors(files[WEIGHTS])
        optimizer = saved["optimizer"] | {"tensors": read_tensors(files[OPTIMIZER])}
        memory = join_tree(read_tensors(files[MEMORY]), saved["memory"])
        plugins = {slot: memory["plugins"][slot] for slot in state.plugins}
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: not written by this version of maze_rl ({error}).") from error
    rebuild_at(state, config, counters["step"])
    try:
        state.model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{folder / WEIGHTS}: belongs to another model: {error}") from error
    try:
        load_optimizer_tree(state.optimizer, optimizer)
        for slot, plugin in state.plugins.items():
            plugin.load_state_dict(plugins[slot])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{folder}: the optimizer or a plug-in of this run cannot take up its state: {error!r}."
        ) from error
    state.kept = memory["kept"]
    for name in _COUNTERS:
        setattr(state, name, counters[name])


def checkpoint_steps(folder: str | PathLike[str]) -> list[int]:
    """List the steps of the checkpoints in `folder`, ascending."""
    folder = Path(folder)
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.is_dir() and path.name.isdigit())
