"""Whether a dataset can be written to a folder: asked before anything heavy is imported, and again before the work."""

from os import PathLike
from pathlib import Path

from maze_rl.errors import ConfigurationError


class InTheWayError(ConfigurationError):
    """Raised before any work was begun: what lies there belongs to somebody else."""


def check_empty(out: Path) -> None:
    """Check that `out` is an empty folder or not there.

    Raises:
        InTheWayError: It is a file, or holds something.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InTheWayError(f"{out} is not an empty folder: choose another --out or remove it.")


def place_of(out: str | PathLike[str]) -> Path:
    """Return the folder a dataset is written to, links followed.

    Raises:
        ConfigurationError: It has no name of its own, as the current folder.
    """
    place = Path(out).expanduser().resolve()
    if not place.name or place == Path.cwd():
        raise ConfigurationError(f"{str(out)!r} names no new folder: give one, as data/mazes.")
    return place


def unfinished_folder(out: Path) -> Path:
    """Return where the dataset `out` is made."""
    return out.with_name(f".{out.name}.unfinished")


def check_new(out: Path) -> None:
    """Check that a dataset can be begun, or gone on with, in `out`.

    Raises:
        ConfigurationError: It names no new folder, or one that holds something.
    """
    place = place_of(out)
    if not unfinished_folder(place).exists():  # else the work itself tells what is left of what
        check_empty(place)
