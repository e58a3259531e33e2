"""What may be given as a file to read: refused before anything heavy is loaded."""

from pathlib import Path

from maze_rl.errors import MazeRLError


def check_there(path: str | None) -> None:
    """Refuse a file or folder that is not there.

    Raises:
        MazeRLError: It is not.
    """
    if path is not None and not Path(path).exists():
        raise MazeRLError(f"{path}: there is no such file or folder.")
