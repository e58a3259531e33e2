"""Every public class that holds arrays has a short repr, whatever its size, and in no time."""

import dataclasses
import importlib
import inspect
import pkgutil
import time
import types
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import maze_rl
from maze_rl.displays.short_repr import Shown, short_repr
from maze_rl.mazes.lattice import Maze

MANY = 100_000
LONGEST, MOST_LINES, MOST_SECONDS = 400, 3, 0.01
AXES = {"rows": 9, "cols": 9, "canvas": 20, "layer": 6, "head": 4, "d_model": 128, "d_vocab": 500}
SKIPPED = ("maze_rl._shipped", "maze_rl.__main__", "maze_rl.workflows.export_loader")


def classes() -> Iterator[type]:
    """All public classes of the library, each where it is defined."""
    for module in pkgutil.walk_packages(maze_rl.__path__, "maze_rl."):
        if module.name.startswith(SKIPPED):
            continue
        members = vars(importlib.import_module(module.name))
        for name, found in members.items():
            if inspect.isclass(found) and found.__module__ == module.name and not name.startswith("_"):
                yield found


def is_record(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))


ALL = list(classes())
RECORDS = [kind for kind in ALL if is_record(kind)]


def holds_arrays(hint: Any) -> bool:
    if hasattr(hint, "dim_str") or hint in (np.ndarray, torch.Tensor):
        return True
    if inspect.isclass(hint) and is_record(hint):
        return any(map(holds_arrays, hints_of(hint).values()))
    return any(map(holds_arrays, typing.get_args(hint)))


def hints_of(kind: type) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else kind._fields
    try:
        hints = typing.get_type_hints(kind)
    except NameError:  # a name that only type checkers see
        hints = kind.__annotations__
    return {name: hints[name] for name in names}


def array(hint: Any) -> Any:
    """An array of the shape a hint names, its first axis long; all its numbers lie in one place of memory."""
    shape: list[int] = []
    for place, axis in enumerate(hint.dim_str.split()):
        size = int(axis) if axis.isdigit() else AXES.get(axis, 3 if place else MANY)
        shape += [size]
    kinds = [kind for kind in hint.dtypes if isinstance(kind, str) and hasattr(np, kind.replace("bool", "bool_"))]
    dtype = np.dtype(kinds[-1] if kinds else "float64")
    if issubclass(hint.array_type, torch.Tensor):
        return torch.from_numpy(np.zeros((), dtype)).expand(shape)
    return np.broadcast_to(np.zeros((), dtype), shape)


def value_of(hint: Any) -> Any:
    """Something large that a hint allows; None where nothing is known of it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hasattr(hint, "dim_str"):
        return array(hint)
    if origin in (typing.Union, types.UnionType):
        return value_of(next(each for each in arguments if each is not type(None)))
    if origin is typing.Literal:
        return arguments[0]
    if origin is tuple and arguments[-1] is not ...:
        return tuple(map(value_of, arguments))
    if inspect.isclass(origin) and issubclass(origin, typing.Mapping):
        return dict.fromkeys((f"a rather long name {number}" for number in range(50)), value_of(arguments[1]))
    if inspect.isclass(origin) and issubclass(origin, typing.Collection) and arguments:
        return (origin if origin in (list, tuple) else tuple)([value_of(arguments[0])] * 50)
    if inspect.isclass(hint):
        return object_of(hint)
    return None


def object_of(kind: type) -> Any:
    plain = {int: 123_456_789, float: 0.123456789, bool: True, str: "a rather long text, " * 40, Path: Path("a/" * 200)}
    if kind in plain:
        return plain[kind]
    if issubclass(kind, Enum):
        return next(iter(kind))
    if kind is Maze:
        return Maze(np.zeros((2, 9, 9), np.bool_), (1, 1), (1, 1))
    if kind is np.ndarray:
        return np.broadcast_to(np.zeros(()), (MANY, 3))
    if kind is torch.Tensor:
        return torch.zeros(()).expand(MANY, 3)
    if is_record(kind):
        return filled(kind)
    return None


def filled(kind: type) -> Any:
    """An object of `kind` with large contents, made without its checks."""
    values = {name: value_of(hint) for name, hint in hints_of(kind).items()}
    if issubclass(kind, tuple):
        return kind(*values.values())
    made = kind.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def name_of(kind: type) -> str:
    return f"{kind.__module__.removeprefix('maze_rl.')}.{kind.__name__}"


def assert_short(shown: object) -> None:
    told, seconds = "", []
    for _ in range(5):
        start = time.process_time()
        told = repr(shown)
        seconds.append(time.process_time() - start)
    assert len(told) < LONGEST
    assert told.count("\n") < MOST_LINES
    assert "object at 0x" not in told
    assert type(shown).__name__ in told
    assert min(seconds) < MOST_SECONDS


def test_the_walk_finds_the_classes() -> None:
    found = {kind.__name__ for kind in RECORDS if holds_arrays(kind)}
    assert len(ALL) > 200
    assert {
        "MazeBatch",
        "CollectionSolution",
        "TokenSpans",
        "Encoded",
        "PatchMap",
        "Scorecard",
        "SearchResult",
    } <= found
    assert "MazeSpec" not in found


@pytest.mark.parametrize("kind", RECORDS, ids=name_of)
def test_a_record_has_a_short_repr(kind: type) -> None:
    assert_short(filled(kind))


@pytest.mark.parametrize("kind", [kind for kind in RECORDS if dataclasses.is_dataclass(kind)], ids=name_of)
def test_a_dataclass_shows_itself_in_notebooks(kind: type) -> None:
    assert issubclass(kind, Shown)
    assert kind.__repr__ is not object.__repr__


@pytest.mark.parametrize("kind", [kind for kind in ALL if issubclass(kind, Shown) and not is_record(kind)], ids=name_of)
def test_another_class_has_a_short_repr(kind: type) -> None:
    if kind.__repr__ is not short_repr or kind._headline is not Shown._headline:
        return  # tested where it is defined
    made = kind.__new__(kind)
    if hasattr(made, "__dict__"):
        made.__dict__.update({f"weights_{number}": torch.zeros(()).expand(MANY, 7) for number in range(50)})
    assert_short(made)


def test_no_class_answers_with_its_address() -> None:
    silent = [kind for kind in ALL if kind.__repr__ is object.__repr__ and not getattr(kind, "_is_protocol", False)]
    silent = [kind for kind in silent if not inspect.isabstract(kind)]
    assert {kind.__name__ for kind in silent if not issubclass(kind, BaseException)} <= {"DefaultsFormatter", "Shown"}
