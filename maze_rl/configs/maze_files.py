"""The kinds of files that hold mazes: their names, and which suffix means which."""

import os
from collections.abc import Mapping
from pathlib import Path

from maze_rl.errors import ConfigurationError, MazeRLError, unknown_name

FORMATS = {
    "dataset": "a dataset folder",
    "parquet": "a Parquet file",
    "npz": "a NumPy archive",
    "walls": "drawings with # and blanks, an empty line between",
    "cells": "grids of free cells in #, blank, S and G, an empty line between",
    "flat": "square grids of free cells, one a line",
    "maze_hard": "a CSV file with columns question and answer, as Maze-Hard",
    "tokens": "token text, one maze a line",
    "pixels": "an image of one maze, a pixel for each cell, wall and opening",
    "picture": "a picture for people",
    "zanj": "a file of maze-dataset",
    "text": "drawings, each as it looks",
}
"""What a file of each format is."""
READ = {
    ".parquet": "parquet",
    ".npz": "npz",
    ".txt": "text",
    ".cells.txt": "cells",
    ".flat.txt": "flat",
    ".csv": "maze_hard",
    ".tokens": "tokens",
    ".png": "pixels",
    ".zanj": "zanj",
}
"""The format that is read from a file with a suffix."""
WRITTEN = {
    ".parquet": "parquet",
    ".npz": "npz",
    ".txt": "walls",
    ".cells.txt": "cells",
    ".flat.txt": "flat",
    ".csv": "maze_hard",
    ".tokens": "tokens",
    ".png": "picture",
    ".svg": "picture",
    ".pixels.png": "pixels",
}
"""The format that is written to a file with a suffix."""


def format_to_read(path: str | os.PathLike[str], named: str | None = None) -> str:
    """Return the format to read from a file or folder: the one `named`, else that of its suffix.

    Raises:
        UnknownNameError: No format that is read has this name.
        MazeRLError: There is no such file, or its suffix is none of a maze file; the message lists them.
    """
    if not Path(path).expanduser().exists():
        raise MazeRLError(f"{path}: there is no such file or folder.")
    if named is not None:
        return _known(named, {"dataset", *READ.values(), "walls"})
    return "dataset" if Path(path).expanduser().is_dir() else _by_suffix(path, READ)


def check_readable(path: str | os.PathLike[str], grid_is_given: bool, named: str | None = None) -> None:
    """Check that mazes can be read from `path`, as far as its name tells.

    Raises:
        MazeRLError: As `format_to_read`, or it is token text without the size of its mazes.
    """
    if format_to_read(path, named) == "tokens" and not grid_is_given:
        raise ConfigurationError(f"{path}: token text does not tell the size of its mazes: give it, as --grid 5.")


def format_to_write(out: str | os.PathLike[str], named: str | None = None) -> str:
    """Return the format to write: the one `named`, else that of the suffix; without one, or with / behind it, a folder.

    Raises:
        UnknownNameError: No format that is written has this name.
        MazeRLError: The suffix is none of a maze file; the message lists them.
    """
    if named is not None:
        return _known(named, {"dataset", *WRITTEN.values()})
    is_folder = str(out).endswith(("/", os.sep)) or not Path(out).suffix
    return "dataset" if is_folder else _by_suffix(out, WRITTEN)


def _known(name: str, choices: set[str]) -> str:
    if name not in choices:
        raise unknown_name("format", name, choices)
    return name


def _by_suffix(path: str | os.PathLike[str], formats: Mapping[str, str]) -> str:
    name = Path(path).name.lower()
    fitting = [suffix for suffix in formats if name.endswith(suffix)]
    if not fitting:
        raise MazeRLError(
            f"{path}: {Path(path).suffix or 'no suffix'} is no kind of maze file: use {', '.join(formats)}, or a "
            "folder (with / at the end if its name has a dot)."
        )
    return formats[max(fitting, key=len)]
