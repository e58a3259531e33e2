"""One process trains in a folder at a time: a lock on the folder itself, which is gone when the process is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike

from maze_rl.errors import ConfigurationError

try:
    import fcntl
except ImportError:  # no such locks on this system
    fcntl = None


@contextmanager
def held_alone(folder: str | PathLike[str]) -> Iterator[None]:
    """Hold a folder, so that no other process trains in it meanwhile; a kill lets go of it.

    Where the system or the disk has no such locks, nothing is held.

    Args:
        folder: Is there.

    Raises:
        ConfigurationError: Another process holds it.
    """
    if fcntl is None:
        yield
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        try:
            with suppress(NotImplementedError):
                _lock(place)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"{folder}: another process is training in it: let it end, or stop it, before this run goes on."
            ) from error
        yield
    finally:
        os.close(place)


def _lock(place: int) -> None:
    """Take the lock of an open folder.

    Raises:
        BlockingIOError: Somebody has it.
        NotImplementedError: The disk has no locks.
    """
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[union-attr]
    except BlockingIOError:
        raise
    except OSError as error:
        raise NotImplementedError from error
