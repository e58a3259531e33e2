"""What may be given as --out: refused before the work, not after it."""

from argparse import ArgumentTypeError
from pathlib import Path

from maze_rl.cli.given_paths import given_path


def new_folder(text: str) -> str:
    """Return a folder to write into; it need not be there.

    Raises:
        ArgumentTypeError: It is a file, or lies below one.
    """
    path = Path(given_path(text))
    for folder in (path, *path.parents):
        if folder.exists() and not folder.is_dir():
            raise ArgumentTypeError(f"{folder} is a file, no folder: choose another")
    return given_path(text)


def new_file(text: str) -> str:
    """Return a file to write; it and its folder need not be there.

    Raises:
        ArgumentTypeError: It is a folder, or lies below a file.
    """
    path = given_path(text)
    if Path(path).is_dir():
        raise ArgumentTypeError(f"{path} is a folder, no file: choose another")
    new_folder(str(Path(path).parent))
    return path
