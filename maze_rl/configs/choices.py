"""How plug-ins are chosen: by name and options in one word, the same on the command line, in Python and on disk.

A plug-in is written as ``name``, ``name:value`` (its first option) or ``name:option=value,option=value``, for example
``weighted:0.3``, ``dice:classic,dc=12`` or ``q_learning:every=20``. One's own is written ``package.module:function``,
or ``package.module:function,option=value``: the options are the keyword arguments the function is called with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from maze_rl.configs.options import Option, OptionValue, complete, is_count, is_number, parse_value
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name

Known = Mapping[str, Mapping[str, Option]]


@dataclass(frozen=True)
class Choice(Shown):
    """One plug-in with all its options."""

    name: str
    """Its name, or ``package.module:function``."""
    options: Mapping[str, OptionValue]

    @property
    def own(self) -> bool:
        """Whether it is a function of one's own."""
        return ":" in self.name


def read_choice(slot: str, known: Known, text: str) -> Choice:
    """Read what stands in a slot.

    Args:
        slot: What the slot is called in messages, e.g. ``update rule``.
        known: The plug-ins of the slot and their options.
        text: The plug-in as people write it.

    Raises:
        UnknownNameError: There is no plug-in or option of that name.
        ConfigurationError: A value is out of range, or the text cannot be read.
    """
    if not isinstance(text, str):
        raise ConfigurationError(f"{slot} is {text!r}: write its name, as {next(iter(known))!r}.")
    name, colon, rest = text.replace(" ", "").partition(":")
    if colon and not rest:
        raise ConfigurationError(f"{slot} {text!r} ends with a colon: write {name}, or {name}:value.")
    parts = rest.split(",") if rest else []
    if name in known:
        if parts and not known[name]:
            raise ConfigurationError(f"{text!r}: {name} has no options: write {name} alone.")
        return Choice(name, complete(name, known[name], _read_options(text, parts, list(known[name]))))
    if not parts or "=" in parts[0] or not parts[0].replace(".", "_").isidentifier():
        raise unknown_name(slot, name, known)
    return Choice(f"{name}:{parts[0]}", _read_options(text, parts[1:], []))


def _read_options(text: str, parts: list[str], names: list[str]) -> dict[str, OptionValue]:
    """Read ``value`` (of the first option) and ``option=value`` parts."""
    values: dict[str, OptionValue] = {}
    for place, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if not equals and place == 0 and names:
            name, value = names[0], part
        elif not (name and equals and value):
            raise ConfigurationError(f"cannot read {part!r} in {text!r}: write name:value or name:option=value.")
        if name in values:
            raise ConfigurationError(f"{text!r} gives {name} twice.")
        values[name] = parse_value(value)
    return values


def one_of(*words: str) -> Option:
    """Describe an option that is one of some words; the first is the default."""
    return Option(words[0], lambda value: value in words, f"one of {', '.join(words)}")


def flag(default: bool) -> Option:
    """Describe an option that is true or false."""
    return Option(default, lambda value: isinstance(value, bool), "true or false")


def number(default: float, least: int | float, most: int | float, words: str) -> Option:
    """Describe an option that is a number within bounds."""
    return Option(default, lambda value: is_number(value, least, most), words)


def count(default: int, least: int = 1, most: int = 2**31 - 1) -> Option:
    """Describe an option that is a whole number within bounds."""
    return Option(default, lambda value: is_count(value, least, most), f"a whole number, at least {least}")
