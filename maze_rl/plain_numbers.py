"""Numbers as people give them, Python's or NumPy's, made Python's; a truth value or a text is no number."""

import operator
from typing import Any

from maze_rl.errors import ConfigurationError

LARGEST_SEED = 2**64 - 1


def whole_number(name: str, value: Any, least: int = 0, most: int | None = None) -> int:
    """Return `value` as a plain int.

    Args:
        name: What the message calls it.
        value: Anything.
        least: The smallest allowed.
        most: The largest allowed; None for no bound.

    Raises:
        ConfigurationError: It is no whole number, or out of bounds.
    """
    found = index_of(value)
    if found is None or found < least:
        raise ConfigurationError(f"{name} is {value!r}: expected a whole number, at least {least}.")
    if most is not None and found > most:
        raise ConfigurationError(f"{name} is {found}: expected a whole number, at most {most}.")
    return found


def check_seed(seed: Any) -> int:
    """Return a seed as a plain int.

    Raises:
        ConfigurationError: It is no whole number from 0 to 2^64 - 1.
    """
    return whole_number("seed", seed, 0, LARGEST_SEED)


def index_of(value: Any) -> int | None:
    """Return a whole number of any kind as a plain int; None where it is none."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def as_plain(value: Any) -> Any:
    """Return a NumPy number, or an array or tensor without axes, as Python's; anything else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 else value
