"""Where a trained model lies, found without importing torch: a wrong name answers at once."""

from os import PathLike
from pathlib import Path

from maze_rl.configs.hand_built import HAND_BUILT
from maze_rl.errors import CheckpointError, ConfigurationError, UnknownNameError, unknown_name
from maze_rl.shipped import shipped, shipped_names

WEIGHTS, MODEL, CHECKPOINTS = "model.safetensors", "model.json", "checkpoints"


def check_model(name: str | PathLike[str]) -> None:
    """Check that commands know a model called `name`: as `find_model` does, or the name of a hand-built model.

    Raises:
        UnknownNameError: There is no such folder or model.
        CheckpointError: As for `find_model`.
    """
    if str(name) in HAND_BUILT:
        return
    try:
        find_model(name)
    except UnknownNameError:
        known = [*shipped_names("models"), *HAND_BUILT, "(or the folder of a run)"]
        raise unknown_name("model", str(name), known) from None


def find_model(name: str | PathLike[str]) -> Path:
    """Return the folder that holds the model called `name`.

    Raises:
        UnknownNameError: There is neither such a folder nor such a shipped model.
        CheckpointError: The folder holds no finished model, or `name` is a file.
        ConfigurationError: `name` is neither a text nor a path.
    """
    if not isinstance(name, str | PathLike):
        raise ConfigurationError(f"the model is {name!r}: give the folder of a run, or the name of a shipped model.")
    folder = Path(name)
    if (folder / MODEL).is_file() or (folder / WEIGHTS).is_file():
        return folder
    if folder.is_dir():
        raise CheckpointError(f"{folder}: holds no trained model ({MODEL}, {WEIGHTS}): has its training finished?")
    if folder.is_file():
        raise CheckpointError(f"{folder} is a file: a model is the folder of a run, or the name of a shipped one.")
    if str(folder) in shipped_names("models"):
        return shipped("models", str(folder))
    raise unknown_name("model", str(folder), [*shipped_names("models"), "(or the folder of a run)"])
