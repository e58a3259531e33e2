"""What may be given as a file to read: refused before anything heavy is loaded."""

from argparse import ArgumentTypeError
from pathlib import Path


def maze_file(text: str) -> str:
    """Return a file or folder of mazes, as given; it must be there.

    Raises:
        ArgumentTypeError: It is not.
    """
    if not Path(text).exists():
        raise ArgumentTypeError(f"{text}: there is no such file or folder")
    return text
