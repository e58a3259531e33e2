"""Whether a run can begin in a folder, or go on there: asked before anything heavy is imported."""

from pathlib import Path

from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.mazes.interchange.leftovers import is_leftover

CONFIG, TOKENIZER = "config.json", "tokenizer"
_TOKENIZER_FILES = {"tokenizer.json", "tokenizer_config.json", "checksums.json"}


def check_free(folder: Path) -> None:
    """Check that a new run can begin in `folder`: it is empty, not there, or left by a kill while a run began.

    Raises:
        ConfigurationError: It holds a run, or other files.
    """
    if (folder / CONFIG).exists():
        raise ConfigurationError(
            f"{folder} holds another run: choose another --out, or continue that one with --resume."
        )
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise ConfigurationError(f"{place} is a file, no folder: choose another --out.")
    if folder.exists() and not all(map(_is_of_a_beginning, folder.iterdir())):
        raise ConfigurationError(f"{folder} is not empty and holds no run: choose another --out.")


def check_begun(folder: Path) -> None:
    """Check that there is a run in `folder`.

    Raises:
        CheckpointError: There is none.
    """
    if not (folder / CONFIG).exists():
        raise CheckpointError(f"{folder / CONFIG}: the file is missing: there is no run to resume; leave out --resume.")


def _is_of_a_beginning(path: Path) -> bool:
    """Tell whether a file or folder is one that a run writes before its configuration, which comes last."""
    if path.name == TOKENIZER and path.is_dir():
        return {each.name for each in path.iterdir()} <= _TOKENIZER_FILES
    return is_leftover(path, CONFIG) or is_leftover(path, TOKENIZER)
