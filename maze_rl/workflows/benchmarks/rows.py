"""What a row of the bench is, and how a round is timed: both sides one after the other, alternating."""

import math
import operator
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from maze_rl.displays.short_repr import Shown, short_repr

THREADS = 1
"""Threads of torch while measuring: the ratio is then one of work, not of how well either side spreads it."""

_SIGNS: dict[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le, "<": operator.lt}
_UNITS = {"x": "x", "s": " s", "MB": " MB"}


class Target(NamedTuple):
    """A bound the measured value must keep."""

    __repr__ = short_repr

    sign: str
    """`>=`, `<=` or `<`."""
    bound: float


class Lap(NamedTuple):
    """One side's work, and how many items it does: times are compared per item, so a slow peer may do fewer."""

    __repr__ = short_repr

    work: Callable[[], object]
    items: int = 1


class Trial(NamedTuple):
    """A row made ready: inputs built, kernels compiled, caches warm."""

    __repr__ = short_repr

    round: Callable[[], float]
    """Measures once; returns the ratio (or the seconds, or the megabytes)."""
    detail: str
    """Sizes and counts."""
    fault: str | None = None
    """Why the row does not hold whatever is measured."""
    news: Sequence[str] = ()
    """What measuring found beside the number; filled while it runs."""


@dataclass(frozen=True, kw_only=True)
class Row(Shown):
    """One line of the bench."""

    name: str
    against: str
    prepare: Callable[[int], Trial]
    """Takes the seed."""
    target: Target | None = None
    """None: the row is reported, nothing is asked of it."""
    unit: str = "x"
    """`x` for a ratio, `s` for seconds, `MB` for megabytes."""
    peer: str | None = None
    """The optional package the row needs."""
    most_rounds: int | None = None
    """Rounds after which more would tell nothing."""
    rounds: int = 1
    """Rounds for each one that is asked for: short rounds of small effects need many."""
    summary: Callable[[Sequence[float]], float] = statistics.median
    """What the rounds come to."""


def faster(ours: Lap, peer: Lap, laps: int = 1) -> Callable[[], float]:
    """Return a round: how many times less time an item takes us than the peer; both are warmed up here.

    Args:
        ours: Our side.
        peer: The other side.
        laps: Turns each side takes within a round, alternating.
    """
    ours.work()
    peer.work()

    def measure() -> float:
        turns = [(seconds(ours), seconds(peer)) for _ in range(laps)]
        return sum(turn[1] for turn in turns) / sum(turn[0] for turn in turns)

    return measure


def seconds(lap: Lap) -> float:
    """Return the wall seconds one item of the work takes."""
    started = time.perf_counter()
    lap.work()
    return (time.perf_counter() - started) / lap.items


def upper_bound(measured: Sequence[float]) -> float:
    """Return the upper end of the 95 % interval of the median, from order statistics: no assumption on the noise."""
    ordered = sorted(measured)
    place = math.ceil(len(ordered) / 2 + 1.96 * math.sqrt(len(ordered)) / 2)
    return ordered[min(place, len(ordered) - 1)]


def result(row: Row, trial: Trial, measured: list[float]) -> dict[str, Any]:
    """Return the row as plain values: what the rounds come to, their range, and whether the target holds."""
    value = row.summary(measured)
    holds = None if row.target is None else trial.fault is None and _SIGNS[row.target.sign](value, row.target.bound)
    return {
        "name": row.name,
        "against": row.against,
        "ratio": value,
        "spread": (min(measured), max(measured)),
        "target": None if row.target is None else row.target.bound,
        "target_text": None if row.target is None else f"{row.target.sign} {row.target.bound:g}{_UNITS[row.unit]}",
        "ratio_text": _text(value, row.unit),
        "holds": holds,
        "detail": "; ".join([trial.detail, *trial.news, *([] if trial.fault is None else [trial.fault])]),
    }


def _text(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}{_UNITS[unit]}"
