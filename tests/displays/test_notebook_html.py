import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from maze_rl.displays.notebook_html import Drawn, block, field_table, headed, interval_bar, remark, table
from maze_rl.displays.short_repr import Shown

Read = Callable[[str], Any]


@dataclass(frozen=True)
class Result(Shown):
    """What came of it.

    More than a notebook needs.
    """

    name: str
    values: Any = None


def test_text_is_escaped_and_drawings_are_not(read_page: Read) -> None:
    html = block(headed("<b>", "a & b"), remark("1 < 2"), table(("<i>",), [("<u>",), (Drawn("<svg></svg>"),)]))
    page = read_page(html)
    assert page.text == "<b> a & b 1 < 2 <i> <u>"
    assert [tag for tag in page.tags if tag in ("b", "i", "u", "svg")] == ["b", "svg"]


def test_a_table_has_its_words_in_rows_and_numbers_on_the_right(read_page: Read) -> None:
    html = table(("size", "rate"), [("5", "0.9"), ("6", "0.8")])
    assert read_page(html).text == "size rate 5 0.9 6 0.8"
    assert re.findall(r"text-align:(\w+)", html) == ["left", "right"] * 3
    assert "<thead>" not in table(("", ""), [("a", "b")])


def test_fields_are_a_table_below_what_the_object_is(read_page: Read) -> None:
    page = read_page(Result("<x>", np.zeros((2, 3)))._repr_html_())
    assert page.text == "Result What came of it. name '<x>' values Float64[2, 3]"
    assert "table" in page.tags


def test_fields_of_any_object_can_be_shown(read_page: Read) -> None:
    class Plain:
        """Words."""

        def __init__(self) -> None:
            self.one = 1

    assert read_page(field_table(Plain())).text == "Plain Words. one 1"


def places(bar: str) -> dict[str, float]:
    found = re.findall(r'x1="([\d.]+)" x2="([\d.]+)"', bar)
    (dot,) = re.findall(r'cx="([\d.]+)"', bar)
    return {"dot": float(dot), "tick": float(found[1][0]), "low": float(found[-1][0]), "high": float(found[-1][1])}


def test_a_bar_lies_where_its_numbers_say(read_page: Read) -> None:
    bar = interval_bar(0.5, 0.25, 0.75, mark=0.0)
    read_page(bar)
    assert places(bar) == {"dot": 60.0, "tick": 4.0, "low": 32.0, "high": 88.0}
    beyond = places(interval_bar(2.0, -1.0, 3.0, mark=9.0))
    assert beyond == {"dot": 116.0, "tick": 116.0, "low": 4.0, "high": 116.0}


def test_a_bar_may_have_other_ends() -> None:
    assert places(interval_bar(0.0, -1.0, 1.0, limits=(-1.0, 1.0), mark=0.0))["dot"] == 60.0


def test_no_number_has_no_bar() -> None:
    assert interval_bar(float("nan"), 0.0, 1.0) == ""


@pytest.mark.parametrize("colour", re.findall(r"#\w{6}", interval_bar(0.5, 0.4, 0.6)))
def test_hues_show_on_white_and_on_black(colour: str) -> None:
    from maze_rl.reports.palette import luminance

    bright = luminance(tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5)))
    assert min(1.05 / (bright + 0.05), (bright + 0.05) / 0.055) > 3
