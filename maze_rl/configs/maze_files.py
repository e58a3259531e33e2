"""The kinds of files that mazes are read from and written to, told by their suffix."""

import os
from collections.abc import Iterable
from pathlib import Path

from maze_rl.errors import ConfigurationError, MazeRLError

KINDS = {
    "": "a dataset folder",
    ".parquet": "a Parquet file",
    ".npz": "a NumPy archive",
    ".png": "a picture of one maze",
    ".txt": "drawings with # and spaces, an empty line between",
    ".tokens": "token text, one maze a line",
}
"""What a file is written as, by its suffix; `.zanj` is read too."""


def check_readable(path: str | Path, grid_is_given: bool) -> None:
    """Check that `path` is a folder, or a file of a kind that is read.

    Raises:
        MazeRLError: It is not there, of no known kind, or token text without the size of its mazes.
    """
    path = Path(path)
    if path.is_dir():
        return
    if not path.is_file():
        raise MazeRLError(f"{path}: there is no such file or folder.")
    if path.suffix not in (*filter(None, KINDS), ".zanj"):
        raise _unknown_kind(path, [*KINDS, ".zanj"])
    if path.suffix == ".tokens" and not grid_is_given:
        raise ConfigurationError(f"{path}: token text does not tell the size of its mazes: give it, as --grid 5.")


def is_dataset(out: str | Path) -> bool:
    """Tell whether mazes written to `out` become a dataset folder; a name that ends with / does whatever its suffix."""
    return Path(out).suffix == "" or str(out).endswith(("/", os.sep))


def check_writable(out: str | Path) -> None:
    """Check that `out` is a folder, or of a kind that is written.

    Raises:
        MazeRLError: It is of no known kind.
    """
    if not is_dataset(out) and Path(out).suffix not in KINDS:
        raise _unknown_kind(Path(out), KINDS)


def _unknown_kind(path: Path, known: Iterable[str]) -> MazeRLError:
    kinds = ", ".join(suffix for suffix in known if suffix)
    return MazeRLError(
        f"{path}: {path.suffix or 'no suffix'} is no kind of maze file: use {kinds}, or a folder (with / at the end if "
        "its name has a dot)."
    )
