"""JSON as the standard has it, whatever the numbers are."""

import json
import math
from dataclasses import dataclass

import numpy as np

from maze_rl.strict_json import json_text


@dataclass
class Measured:
    value: float
    num: int


def strict(text: str) -> object:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_what_is_not_finite_is_null_at_any_depth() -> None:
    values = {"a": math.nan, "b": [math.inf, (1.5, -math.inf)], "c": Measured(math.nan, 3), "d": np.float32(np.nan)}
    assert strict(json_text(values)) == {"a": None, "b": [None, [1.5, None]], "c": {"value": None, "num": 3}, "d": None}


def test_what_is_finite_stays_as_it_is() -> None:
    values = {"a": [1, 2.5, True, None, "text"], "b": {"c": np.int64(4), "d": np.float64(0.5)}}
    assert strict(json_text(values, indent=1)) == {"a": [1, 2.5, True, None, "text"], "b": {"c": 4, "d": 0.5}}
