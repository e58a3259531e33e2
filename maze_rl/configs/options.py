"""Settings of things that are chosen by name: what each may be, and how people write them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.plain_numbers import as_plain, index_of, whole_number

OptionValue = int | float | bool | str | None
_WORDS: dict[str, OptionValue] = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class Option(Shown):
    """A setting of one named thing: its default, what it may be, and the words for that."""

    default: OptionValue
    allows: Callable[[object], bool]
    expected: str


def is_number(value: object, least: int | float = float("-inf"), most: int | float = float("inf")) -> bool:
    """Tell whether a value is a number (no truth value) within bounds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def is_share(value: object) -> bool:
    """Tell whether a value is a number from 0 to 1."""
    return is_number(value, 0, 1)


def is_count(value: object, least: int = 1, most: int = 2**31 - 1) -> bool:
    """Tell whether a value is a whole number within bounds."""
    found = index_of(value)
    return found is not None and least <= found <= most


def check_count(name: str, value: object, least: int = 1) -> int:
    """Return a setting that is a whole number as a plain int.

    Raises:
        ConfigurationError: It is none, or below `least`.
    """
    return whole_number(name, value, least, 2**31 - 1)


def complete(what: str, known: Mapping[str, Option], given: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Return the options of `what`, those not `given` at their defaults.

    Raises:
        UnknownNameError: There is no option of that name.
        ConfigurationError: A value is out of range; names the option.
    """
    plain = {name: as_plain(value) for name, value in given.items()}
    for name, value in plain.items():
        if name not in known:
            raise unknown_name(f"option of {what}", name, known)
        if not known[name].allows(value):
            raise ConfigurationError(f"{what}: {name} is {value!r}: expected {known[name].expected}.")
    values = {name: plain.get(name, option.default) for name, option in known.items()}
    # 1 and 1.0 are the same share
    return {name: float(value) if known[name].allows is is_share else value for name, value in values.items()}  # type: ignore[arg-type]


def parse_option(text: str) -> tuple[str, OptionValue]:
    """Read an option as people write it: ``percolation=0.2``, ``forks=false``, ``max_depth=none``.

    Raises:
        ConfigurationError: The text is no ``name=value`` with a number, true, false or none.
    """
    name, equals, value = text.replace(" ", "").partition("=")
    if not (name and equals and value):
        raise ConfigurationError(f"cannot read {text!r} as an option: write for example percolation=0.2.")
    read = parse_value(value)
    if isinstance(read, str):
        raise ConfigurationError(f"cannot read the value of {text!r}: write a number, true, false or none.")
    return name, read


def parse_value(text: str) -> OptionValue:
    """Read a value: a number, true, false, none, or else the word itself."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def format_value(value: OptionValue) -> str:
    """Write a value so that `parse_value` reads it."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
