"""Folders and files where several may be given, and one alone as it is."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from maze_rl.errors import ConfigurationError

OneOrMore = str | PathLike[str] | Iterable[str | PathLike[str]]


def path_list(name: str, given: OneOrMore) -> list[Path]:
    """Return the paths that are given, one or several.

    Raises:
        ConfigurationError: There is none, or something in it is no path; `name` is in the message.
    """
    try:
        paths = [Path(given)] if isinstance(given, str | PathLike) else [Path(each) for each in given]
    except TypeError:
        paths = []
    if not paths:
        raise ConfigurationError(f"{name} is {given!r}: expected a path, or several, as ['runs/x', 'runs/y'].")
    return paths
