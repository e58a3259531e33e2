"""What a drawing of a maze can mark, by the names people write: ``solution,forks``."""

from collections.abc import Iterable

from maze_rl.errors import ConfigurationError, unknown_name

MARKS = {
    "solution": "one shortest path",
    "all_paths": "every cell on some shortest path",
    "distances": "steps to the target from every cell",
    "forks": "cells with three or four ways on",
    "dead_ends": "cells with one way on",
}
NO_MARKS = "none"


def parse_marks(text: str | Iterable[str]) -> tuple[str, ...]:
    """Parse names of marks, in one text or several, e.g. ``"solution,forks"`` or ``["solution", "forks"]``; none: ().

    Raises:
        UnknownNameError: A name is unknown.
        ConfigurationError: ``none`` stands beside another name.
    """
    words = text.split(",") if isinstance(text, str) else text
    names = tuple(dict.fromkeys(word.replace(" ", "").replace("-", "_") for word in words))
    for name in names:
        if name not in (*MARKS, NO_MARKS):
            raise unknown_name("mark", name, (*MARKS, NO_MARKS))
    if NO_MARKS in names and len(names) > 1:
        raise ConfigurationError(f"marks {text!r}: none means no mark at all, so nothing can stand beside it.")
    return tuple(name for name in names if name != NO_MARKS)
