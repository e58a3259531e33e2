"""Paths as they are typed; what commands read is checked before anything heavy is imported."""

import os
from pathlib import Path

from maze_rl.errors import MazeRLError


def given_path(text: str) -> str:
    """Return a path of the command line, or a name that stands in its place, with ``~`` at its start as the home.

    A shell leaves it as it is where it is quoted, or behind the ``=`` of ``--out=~/page.html``.
    """
    return os.path.expanduser(text)


def check_folder(path: str) -> None:
    """Check that a folder that `maze-rl generate` wrote is there.

    Raises:
        MazeRLError: It is not.
    """
    if Path(path).is_file():
        raise MazeRLError(f"{path} is a file: give a folder that `maze-rl generate --out` wrote.")
    if not Path(path).is_dir():
        raise MazeRLError(f"{path}: there is no such folder; give one that `maze-rl generate --out` wrote.")


def check_there(path: str | None) -> None:
    """Check that a file or folder of mazes, where one is given, is there.

    Raises:
        MazeRLError: It is not.
    """
    if path is not None and not Path(path).exists():
        raise MazeRLError(f"{path}: there is no such file or folder.")
