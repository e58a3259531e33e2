"""One process trains in a folder at a time: a lock on the folder itself, which is gone when the process is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
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
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(place)
        raise ConfigurationError(
            f"{folder}: another process is training in it: let it end, or stop it, before this run goes on."
        ) from error
    except OSError:
        pass  # the disk has no locks
    try:
        yield
    finally:
        os.close(place)
