"""What may be given as --out: refused before the work, not after it."""

from argparse import ArgumentTypeError
from pathlib import Path


def new_folder(text: str) -> str:
    """Return a folder to write into, as given; it need not be there.

    Raises:
        ArgumentTypeError: It is a file, or lies below one.
    """
    for folder in (Path(text), *Path(text).parents):
        if folder.exists() and not folder.is_dir():
            raise ArgumentTypeError(f"{folder} is a file, no folder: choose another")
    return text


def new_file(text: str) -> str:
    """Return a file to write, as given; it and its folder need not be there.

    Raises:
        ArgumentTypeError: It is a folder, or lies below a file.
    """
    if Path(text).is_dir():
        raise ArgumentTypeError(f"{text} is a folder, no file: choose another")
    new_folder(str(Path(text).parent))
    return text
