"""Check the plain fields of a configuration against their annotations, which Python itself does not."""

from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from maze_rl.errors import ConfigurationError
from maze_rl.plain_numbers import as_plain

_PLAIN = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", NoneType: "none"}


def check_field_types(config: Any) -> None:
    """Check every field that is annotated with plain types: int, float, bool, str, None.

    NumPy's numbers are replaced by Python's, which files can hold.

    Args:
        config: A dataclass.

    Raises:
        ConfigurationError: A field has a value of another type; names it. A whole number is a number too, but true is
            neither.
    """
    for name, kinds in _plain_fields(type(config)).items():
        given = getattr(config, name)
        value = as_plain(given)
        allowed = (*kinds, int) if float in kinds else kinds
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in kinds):
            expected = " or ".join(text for kind, text in _PLAIN.items() if kind in kinds)
            raise ConfigurationError(f"{name} is {given!r}: expected {expected}.")
        object.__setattr__(config, name, value)


@cache
def _plain_fields(kind: type) -> dict[str, tuple[type, ...]]:
    """Return the fields whose annotation is made of plain types alone, with those types."""
    hints = get_type_hints(kind)
    found = {field.name: _members(hints[field.name]) for field in fields(kind)}
    return {name: kinds for name, kinds in found.items() if all(each in _PLAIN for each in kinds)}


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
