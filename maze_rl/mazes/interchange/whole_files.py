"""Files that appear whole or not at all: written under a temporary name, then renamed."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from maze_rl.errors import MazeRLError


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the name `path`, and the place of what is there, when the block ends well.

    Raises:
        MazeRLError: The file cannot be written; nothing is left behind, an older file stays as it was.
    """
    if not path.name:
        raise MazeRLError(f"{str(path)!r} names no file: give the name of the file to write.")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise MazeRLError(f"{path}: could not be written ({reason}); nothing was left behind.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
