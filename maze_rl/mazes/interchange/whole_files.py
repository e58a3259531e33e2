"""Files that appear whole or not at all: written under a temporary name, then renamed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from maze_rl.errors import MazeRLError
from maze_rl.mazes.interchange.leftovers import AN_HOUR, remove_leftovers, temporary_name


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the name `path`, and the place of what is there, when the block ends well.

    Raises:
        MazeRLError: The file cannot be written; nothing is left behind, an older file stays as it was.
    """
    if not path.name:
        raise MazeRLError(f"{str(path)!r} names no file: give the name of the file to write.")
    temporary = temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.name, AN_HOUR)
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise MazeRLError(f"{path}: could not be written ({reason}); nothing was left behind.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
