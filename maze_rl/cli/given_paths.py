"""What commands read, checked before anything heavy is imported: a typing error answers at once."""

from pathlib import Path

from maze_rl.errors import MazeRLError


def check_folder(path: str) -> None:
    """Check that a folder that `maze-rl generate` wrote is there.

    Raises:
        MazeRLError: It is not.
    """
    if Path(path).expanduser().is_file():
        raise MazeRLError(f"{path} is a file: give a folder that `maze-rl generate --out` wrote.")
    if not Path(path).expanduser().is_dir():
        raise MazeRLError(f"{path}: there is no such folder; give one that `maze-rl generate --out` wrote.")


def check_there(path: str | None) -> None:
    """Check that a file or folder of mazes, where one is given, is there.

    Raises:
        MazeRLError: It is not.
    """
    if path is not None and not Path(path).expanduser().exists():
        raise MazeRLError(f"{path}: there is no such file or folder.")
