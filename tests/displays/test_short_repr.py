from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from maze_rl.displays.short_repr import LONGEST, Shown, brief, counted, cut, interval_text, short_repr
from maze_rl.intervals import Interval


@dataclass(frozen=True)
class Result(Shown):
    name: str
    values: Any = None
    note: str = ""
    rows: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Told(Shown):
    rate: float

    def _headline(self) -> str:
        return f"a rate of {self.rate}\nin two lines " + 500 * "x"

    def _brief(self) -> str:
        return f"rate {self.rate}"


class Own(Shown):
    def __repr__(self) -> str:
        return "my own"


class Plain(Shown):
    def __init__(self) -> None:
        self.weights = np.zeros((3, 4), np.float32)
        self._hidden = np.zeros(5)


class Pair(NamedTuple):
    __repr__ = short_repr

    first: Any
    second: Any


class Kind(Enum):
    GOOD = 1


def test_a_dataclass_tells_its_fields_and_leaves_out_what_is_as_always() -> None:
    assert repr(Result("x")) == "Result(name='x', rows=[])"
    assert repr(Result("x", np.zeros((1000, 2, 9, 9), np.bool_), "why", [1, 2])) == (
        "Result(name='x', values=Bool[1000, 2, 9, 9], note='why', rows=[1, 2])"
    )


def test_a_value_of_another_type_is_told_though_it_equals_the_default() -> None:
    @dataclass
    class Setting(Shown):
        share: float | bool = 1.0

    assert repr(Setting()) == "Setting()"
    assert repr(Setting(True)) == "Setting(share=True)"


def test_a_headline_replaces_the_fields_and_stays_one_short_line() -> None:
    told = repr(Told(0.5))
    assert told.startswith("<Told: a rate of 0.5 in two lines xxx")
    assert told.endswith("...>")
    assert len(told) == LONGEST
    assert "\n" not in told


def test_what_has_something_to_say_comes_first() -> None:
    assert repr(Result("x", Told(0.25))) == "Result(values=rate 0.25, name='x', rows=[])"


def test_many_fields_are_cut() -> None:
    many = Pair({f"number {index}": index for index in range(100)}, [Result("x")] * 1000)
    assert repr(many) == "Pair(first={100: number 0, number 1, number 2, number...}, second=[1000 of Result])"
    wide = Plain()
    wide.__dict__.update({f"field_number_{index}": "value" for index in range(100)})
    assert len(repr(wide)) <= LONGEST
    assert repr(wide).endswith(", ...)")


def test_other_objects_tell_their_public_attributes() -> None:
    assert repr(Plain()) == "Plain(weights=Float32[3, 4])"
    assert repr(Own()) == "my own"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "None"),
        (True, "True"),
        (3, "3"),
        (0.123456, "0.1235"),
        ("a\nb", "'a b'"),
        (Path("a/b"), "'a/b'"),
        (Kind.GOOD, "GOOD"),
        (np.zeros((2, 3), np.uint64), "UInt64[2, 3]"),
        (np.float64(0.25), "0.25"),
        (np.array(7), "7"),
        (torch.zeros(4, 5, dtype=torch.int16), "Int16[4, 5]"),
        (torch.tensor(2.5), "2.5"),
        (Interval(0.5, 0.25, 0.75), "0.500 [0.250, 0.750]"),
        ({}, "{}"),
        ({"S1": 1, "S2": 2}, "{2: S1, S2}"),
        ([], "[]"),
        (((0, 1), (2, 3)), "((0, 1), (2, 3))"),
        (range(5, 10), "range(5, 10)"),
        ([np.zeros(3)], "[1 of ndarray]"),
        (Pair(1, np.zeros(3)), "<Pair>"),
        (len, "len"),
        (partial(sorted, key=len), "sorted"),
        (Plain(), "Plain(weights=Float32[3, 4])"),
        (object(), "<object>"),
    ],
)
def test_a_value_in_few_characters(value: object, told: str) -> None:
    assert brief(value) == told


def test_counts_are_words() -> None:
    assert [counted(1, "maze"), counted(12_000, "maze"), counted(2, "branch", "branches")] == [
        "1 maze",
        "12,000 mazes",
        "2 branches",
    ]


def test_cut_leaves_what_fits() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abc..."


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.5, 0.4, 0.6), "+0.50 [+0.40, +0.60]"),
        (Interval(-0.5, -0.6, 0.0), "-0.50 [-0.60, +0.00]"),
        (Interval(float("nan"), float("nan"), float("nan")), "not measured"),
        (Interval(0.5, float("nan"), float("nan")), "+0.50"),
    ],
)
def test_an_interval_tells_what_was_measured(interval: Interval, text: str) -> None:
    assert interval_text(interval, 2, "+") == text
