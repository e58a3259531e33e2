"""Sentences with numbers and intervals in them, whose values are kept for the JSON."""

import math
import re
from typing import Any

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.evaluation.results import Estimate
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.intervals import Interval, effective_number, num_clusters, wilson_of_effective
from maze_rl.reports.content import Statement

_FIELD = re.compile(r"\{(\w+)(?::([^{}]+))?\}")
NOT_MEASURED = "not measured"


def is_known(value: float | int | Interval) -> bool:
    """Tell whether a number was measured."""
    return math.isfinite(value.value if isinstance(value, Interval) else value)


def sentence(template: str, **values: Any) -> Statement:
    """Return a statement; intervals become "value (low to high)", what was not measured is said to be so.

    Args:
        template: Fields ``{name}`` or ``{name:spec}``; the spec of an interval is that of its three numbers, .2f unless
            given; one without ends, or without width, is its value alone.
        values: Numbers, text, intervals, or statements to stand in the place of a field.
    """
    kept: dict[str, Any] = {}

    def write(match: re.Match[str]) -> str:
        name, spec = match[1], match[2]
        value = values[name]
        if isinstance(value, Statement):
            kept.update(value.values)
            return value.template
        if isinstance(value, float | Interval) and not is_known(value):
            kept[name] = None
            return NOT_MEASURED
        if isinstance(value, Interval):
            spec = spec or ".2f"
            if not _has_ends(value):
                kept[name] = _without_sign_of_zero(float(value.value), spec)
                return f"{{{name}:{spec}}}"
            parts = zip((name, f"{name}_low", f"{name}_high"), value, strict=True)
            kept.update({part: _without_sign_of_zero(float(number), spec) for part, number in parts})
            return f"{{{name}:{spec}}} ({{{name}_low:{spec}}} to {{{name}_high:{spec}}})"
        spec = spec or (".2f" if isinstance(value, float) else None)
        kept[name] = _without_sign_of_zero(value, spec) if isinstance(value, float) and spec else value
        return f"{{{name}:{spec}}}" if spec else f"{{{name}}}"

    return Statement(_FIELD.sub(write, template), kept)


def _has_ends(interval: Interval) -> bool:
    """Tell whether an interval has ends to state; one without width would read as certainty."""
    return bool(math.isfinite(interval.low) and interval.low < interval.high)


def _without_sign_of_zero(value: float | int, spec: str) -> float:
    """Return 0 for what would be written as -0.00."""
    shown = f"{value:{spec}}"
    return 0.0 if shown.startswith("-") and not any(digit in shown for digit in "123456789") else value


def paragraph(*statements: Statement) -> Statement:
    """Join sentences; a name used twice keeps its first value apart from the second by a number."""
    whole = Statement("")
    for number, each in enumerate(statements, 1):
        whole += _renamed(each, set(whole.values), number)
    return whole


def _renamed(statement: Statement, taken: set[str], number: int) -> Statement:
    names = {name: f"{name}_{number}" if name in taken else name for name in statement.values}
    template = _FIELD.sub(
        lambda match: "{" + names[match[1]] + (f":{match[2]}" if match[2] else "") + "}", statement.template
    )
    return Statement(template, {names[name]: value for name, value in statement.values.items()})


def estimate(interval: Interval | None, num: int) -> Estimate | float | None:
    """Return an interval as a table's value, its ends left out as in sentences; None where nothing was measured."""
    if interval is None or not is_known(interval):
        return None
    if not _has_ends(interval):
        return float(interval.value)
    return Estimate(value=float(interval.value), low=float(interval.low), high=float(interval.high), num=num)


def shown_rate(rate: Interval, num: int, layouts: Int64[ndarray, " maze"] | None = None) -> Interval:
    """Return a rate over `num` mazes as it is shown.

    Layouts drawn again from those that all agree, at 0 or at 1, have no spread: the interval is Wilson's there, of the
    effective number of mazes. Over fewer than `FEWEST_MAZES` layouts there is none (nan).

    Args:
        rate: The rate with its bootstrap interval.
        num: Mazes it is over.
        layouts: Layout of each of them; None where each is taken to have its own.
    """
    if not is_known(rate):
        return rate
    if (num if layouts is None else num_clusters(layouts)) < FEWEST_MAZES:
        return Interval(rate.value, float("nan"), float("nan"))
    if rate.low != rate.high or rate.value not in (0.0, 1.0):
        return rate
    return wilson_of_effective(
        rate.value, num if layouts is None else effective_number(np.full(num, rate.value), layouts)
    )


def stated_interval(interval: Interval) -> str:
    """Return a value with its interval, as ``0.52 (0.41 to 0.63)``."""
    return sentence("{interval}", interval=interval).text


def in_percent(interval: Interval) -> Interval:
    """Return an interval of shares in percent, or of their differences in points."""
    return Interval(*(100 * each for each in interval))


def decimal(value: float | int) -> float | None:
    """Return a number as a table's value; None where nothing was measured."""
    return float(value) if is_known(value) else None


def head_name(head: tuple[int, int]) -> str:
    """Name a head by its layer and place."""
    return f"head {head[1]} of layer {head[0]}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: one maze, two mazes."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
