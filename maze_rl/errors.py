"""The errors users see: what was expected, what was got, how to fix it.

Every error a user can cause is a `MazeRLError`, itself a `ValueError`; the command line prints its
one line and exits with status 2. Broken invariants of our own code are `assert`s, never these.
"""

from collections.abc import Iterable

from maze_rl.near_names import nearest_names


class MazeRLError(ValueError):
    """Raised when something a user gave cannot be used; the message says what would work."""


class InvalidMazeError(MazeRLError):
    """Raised when arrays do not describe a maze; names the first offending maze and field."""


class UnknownNameError(MazeRLError):
    """Raised when a name is not among the known ones; lists them and suggests the nearest."""


class CheckpointError(MazeRLError):
    """Raised when a file of a run is missing, truncated or altered; names the file."""


class ConfigurationError(MazeRLError):
    """Raised when settings contradict each other or a run on disk; names the fields."""


class Caution(UserWarning):
    """Warns of settings that work and do not do what they seem to, or of a training that goes astray."""


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> UnknownNameError:
    """Build the error for an unknown `name` of some `kind`, e.g. ``unknown_name("loss", "pathonly", [...])``."""
    known = sorted(choices)
    return UnknownNameError(f"unknown {kind} {name!r}.{did_you_mean(name, known)} Choices: {', '.join(known)}.")


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return the end of an error message that names what was meant; empty where nothing is near."""
    nearest = nearest_names(name, choices)[:3]
    return f" Did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
