"""A short ``repr`` for objects that hold arrays: what they are, how large, and the number that matters.

``class Result(Shown)`` is enough: fields are told by name, arrays by kind and shape, collections by length, all within
`LONGEST` characters. A class that has more to say in fewer words does so in ``_headline``. Nothing is computed that
takes time: what is shown of a million mazes is read off shapes.
"""

from collections.abc import Iterator, Mapping, Sized
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

LONGEST = 320
"""Characters of a short repr."""
_VALUE = 44
"""Characters of one value in it."""


class Shown:
    """Base of classes with a short ``repr`` and a table of their fields in notebooks.

    A class that defines ``__repr__`` keeps it.
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # in the class itself, where `dataclass` sees it and writes none of its own
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = short_repr

    def _headline(self) -> str:
        """Return what one line says of the object; empty to tell its fields."""
        return ""

    def _brief(self) -> str:
        """Return what is told of the object as a part of another one; empty for its kind and length."""
        return ""

    def _repr_html_(self) -> str:
        from maze_rl.displays.notebook_html import field_table

        return field_table(self)


def short_repr(self: object) -> str:
    """Return one line of at most `LONGEST` characters about an object; ``__repr__ = short_repr`` in its class."""
    name = type(self).__name__
    headline = self._headline() if isinstance(self, Shown) else ""
    if headline:
        return f"<{name}: {cut(headline, LONGEST - len(name) - 4)}>"
    told, room = [], LONGEST - len(name) - 7
    # what has something to say comes first
    values = sorted(told_fields(self), key=lambda pair: not (isinstance(pair[1], Shown) and pair[1]._brief()))
    for field, value in values:
        part = f"{field}={brief(value)}"
        if len(part) + 2 > room:
            told.append("...")
            break
        told.append(part)
        room -= len(part) + 2
    return f"{name}({', '.join(told)})"


def told_fields(shown: object) -> list[tuple[str, Any]]:
    """Return the fields that say something: not those that are as they are by default, where that is a plain value."""
    usual = {field.name: field.default for field in fields(shown)} if is_dataclass(shown) else {}
    return [
        (name, value)
        for name, value in field_values(shown)
        if not (name in usual and _is_plain(value) and type(value) is type(usual[name]) and value == usual[name])
    ]


def field_values(shown: object) -> Iterator[tuple[str, Any]]:
    """Yield the public fields of a dataclass, a named tuple or any other object, with their values."""
    if is_dataclass(shown):
        names = [field.name for field in fields(shown)]
    elif isinstance(shown, tuple):
        names = list(getattr(shown, "_fields", ()))
    else:
        names = list(getattr(shown, "__dict__", ()))
    return ((name, getattr(shown, name)) for name in names if not name.startswith("_") and hasattr(shown, name))


def brief(value: object) -> str:
    """Return a value in at most a few dozen characters: numbers with four digits, arrays by kind and shape."""
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str | Path):
        return repr(cut(str(value), _VALUE))
    if isinstance(value, Enum):
        return value.name
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return array_brief(value)
    if isinstance(value, Mapping):
        return _mapping_brief(value)
    if isinstance(getattr(value, "low", None), float) and isinstance(getattr(value, "value", None), float):
        return interval_text(value)
    if isinstance(value, Shown) and value._brief():
        return cut(value._brief(), _VALUE)
    if isinstance(value, list | tuple | set | frozenset | range):
        return _sequence_brief(value)
    return _object_brief(value)


def array_brief(array: Any) -> str:
    """Return kind and shape of an array or tensor, as in ``Bool[1000, 2, 9, 9]``; its value if it has no axes."""
    kind = str(array.dtype).removeprefix("torch.")
    if not len(array.shape) and hasattr(array, "item"):
        return brief(array.item())
    kind = kind.capitalize() if kind[0] != "u" else "UInt" + kind[4:]
    return f"{kind}[{', '.join(map(str, array.shape))}]"


def interval_text(estimate: Any, digits: int = 3, sign: str = "") -> str:
    """Return a value with its interval, as in ``0.953 [0.940, 0.965]``, or what of them was measured.

    Args:
        estimate: Has a value, a low and a high end; nan where there is none.
        digits: Behind the point.
        sign: ``+`` to write it before what is positive too.
    """
    value, low, high = (f"{number:{sign}.{digits}f}" for number in (estimate.value, estimate.low, estimate.high))
    if estimate.value != estimate.value:
        return "not measured"
    return value if estimate.low != estimate.low or estimate.high != estimate.high else f"{value} [{low}, {high}]"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, as in ``1 maze`` and ``12,000 mazes``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def cut(text: str, longest: int) -> str:
    """Return `text` on one line, with an ellipsis where more than `longest` characters are left out."""
    line = " ".join(text.split()) if "\n" in text else text
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _mapping_brief(value: Mapping[Any, Any]) -> str:
    return "{" + cut(f"{len(value)}: {', '.join(map(str, _first(value)))}", _VALUE) + "}" if value else "{}"


def _sequence_brief(value: Any) -> str:
    """Return the items where they are few and short, else how many of what."""
    few = isinstance(value, range) or _is_plain(value)
    told = repr(value) if few else ""
    if told and len(told) <= _VALUE:
        return told
    if hasattr(value, "_fields"):
        return f"<{type(value).__name__}>"
    kind = type(next(iter(value))).__name__ if len(value) else ""
    return f"[{len(value)} of {kind}]" if kind else "[]"


def _is_plain(value: Any) -> bool:
    """Tell whether a value is a number, a word, or a few of them."""
    if isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "_fields"):
        return len(value) <= 12 and all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _object_brief(value: object) -> str:
    """Return the name of a function or class, or what another object is and how long."""
    if isinstance(value, partial):
        return _object_brief(value.func)
    named = getattr(value, "__name__", "")
    if callable(value) and named:
        return named
    name = type(value).__name__
    if not isinstance(value, Shown):
        return f"<{name}>"
    if isinstance(value, Sized):
        return f"<{name} of {len(value):,}>"
    told = repr(value)
    return told if len(told) <= _VALUE else f"<{name}>"


def _first(value: Mapping[Any, Any]) -> list[Any]:
    return [name for name, _ in zip(value, range(12), strict=False)]
