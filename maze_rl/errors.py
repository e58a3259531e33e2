"""The errors users see: what was expected, what was got, how to fix it.

Every error a user can cause is a `MazeRLError`, itself a `ValueError`; the command line prints its
one line and exits with status 2. Broken invariants of our own code are `assert`s, never these.
"""

from collections.abc import Iterable
from difflib import get_close_matches


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
    written = {choice.casefold(): choice for choice in known}  # a name in capitals is near
    cut_short = sorted((choice for choice in written if len(name) > 2 and choice.startswith(name.casefold())), key=len)
    nearest = cut_short or get_close_matches(name.casefold(), written, n=1, cutoff=0.5)
    hint = f" Did you mean {written[nearest[0]]!r}?" if nearest else ""
    return UnknownNameError(f"unknown {kind} {name!r}.{hint} Choices: {', '.join(known)}.")
