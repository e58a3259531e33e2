"""An evaluation as a table: one line per size, for a terminal and for a notebook."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from maze_rl.displays.notebook_html import Drawn, block, headed, interval_bar, remark, table
from maze_rl.displays.short_repr import interval_text

if TYPE_CHECKING:
    from maze_rl.evaluation.results import Estimate, EvaluationResult, LengthRow, SizeRow

OWN = "own"
"""Stands for the algorithm of mazes that were given."""
HEAD = ("size", "layouts", "shortest", "95 %", "reaches", "valid", "Manhattan", "random", "hard")
EXPLAINED = (
    "layouts: different walls up to rotation and reflection; the intervals count these, not mazes.",
    "hard: rate of shortest paths on the mazes that Manhattan greedy fails.",
)
OUTSIDE = "*: outside the sizes trained on."
_LISTED = 12
"""Sizes named in one line."""


def title(result: "EvaluationResult") -> str:
    """Return what was measured on which mazes."""
    held_out = "held-out " if result.by_split is None else ""  # else the counts by split stand below
    made = f"{result.num_per_size:,} {held_out}{result.algorithm} mazes per size"
    return f"{result.model}: greedy rollouts, {'mazes of your own' if result.algorithm == OWN else made}"


def head(result: "EvaluationResult") -> tuple[str, ...]:
    """Return the titles of the columns; mazes of one's own are counted by size."""
    return ("size", "mazes", *HEAD[1:]) if result.algorithm == OWN else HEAD


def size_line(row: "SizeRow") -> str:
    """Return one line about the mazes of one size."""
    manhattan = row.baselines.get("manhattan")
    beside = "" if manhattan is None else f", Manhattan {manhattan.value:.3f}"
    return f"size {row.size}{_trained(row)}: shortest {interval_text(row.shortest)}{beside}, {row.num:,} mazes"


def _trained(row: "SizeRow | LengthRow") -> str:
    """Return whether a model was trained on such mazes; nothing where that is not known."""
    return {True: " (trained on)", False: " (not trained on)", None: ""}[row.in_training_range]


def length_line(row: "LengthRow") -> str:
    """Return one line about the mazes with paths of some lengths."""
    return f"{row.low} to {row.high} steps{_trained(row)}: shortest {interval_text(row.shortest)}, {row.num:,} mazes"


def result_line(result: "EvaluationResult") -> str:
    """Return one line about an evaluation: the rate of shortest paths at every size."""
    rates = [f"{row.size}: {row.shortest.value:.2f}" for row in result.rows[:_LISTED]]
    left_out = [f"... {len(result.rows)} sizes"] if len(result.rows) > _LISTED else []
    told = f"shortest paths by size {', '.join(rates + left_out)}"
    if result.algorithm == OWN:
        mazes = f"{sum(row.num for row in result.rows):,} mazes of your own"
    else:
        mazes = f"{result.num_per_size:,} {result.algorithm} mazes per size"
    return f"{result.model}; {told}; {mazes}"


def cells(result: "EvaluationResult") -> list[tuple[str, ...]]:
    """Return what stands under `head`, a row for each size."""
    rows = [(_size(row), *_rates(row)) for row in result.rows]
    if result.algorithm != OWN:
        return rows
    return [(size, f"{row.num:,}", *rates) for (size, *rates), row in zip(rows, result.rows, strict=True)]


def _size(row: "SizeRow") -> str:
    return f"{row.size}*" if row.in_training_range is False else f"{row.size}"


def _rates(row: "SizeRow") -> tuple[str, ...]:
    return (
        "-" if row.layouts is None else f"{row.layouts:,}",
        _rate(row.shortest),
        f"{row.shortest.low:.2f}-{row.shortest.high:.2f}",
        _rate(row.reaches),
        _rate(row.valid),
        _rate(row.baselines.get("manhattan")),
        _rate(row.baselines.get("random_non_backtracking")),
        _rate(row.solved_where_manhattan_fails),
    )


def _rate(estimate: "Estimate | None") -> str:
    return "-" if estimate is None else f"{estimate.value:.3f}"


def notes(result: "EvaluationResult") -> list[str]:
    """Return what stands below the table."""
    splits = [] if result.by_split is None else [_splits(result.by_split)]
    return [*EXPLAINED, *splits, *([OUTSIDE] if result.training_sizes else [])]


def _splits(by_split: Mapping[str, int]) -> str:
    counts = ", ".join(f"{num:,} {name}" for name, num in by_split.items())
    return f"walls by split: {counts}; a model may have been trained on walls of the training split."


def result_text(result: "EvaluationResult") -> str:
    """Return an evaluation as a table of characters."""
    lines = [head(result), *cells(result)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ["  ".join(word.rjust(width) for word, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([title(result), "", *rows, "", *notes(result)])


def result_html(result: "EvaluationResult") -> str:
    """Return an evaluation as a table with a bar for every interval."""
    place = head(result).index("95 %") + 1  # behind the interval
    rows = [_with_bar(words, _bar(row), place) for words, row in zip(cells(result), result.rows, strict=True)]
    bars = "bar: the rate with its 95 % interval, 0 to 1; the tick is Manhattan greedy on the same mazes."
    name, _, rest = title(result).partition(": ")
    return block(
        headed(name, rest),
        table(_with_bar(head(result), "", place), rows),
        *map(remark, [" ".join([bars, *notes(result)])]),
    )


def _with_bar(words: tuple[str, ...], bar: str, place: int) -> tuple[str, ...]:
    return (*words[:place], bar, *words[place:])


def _bar(row: "SizeRow") -> Drawn:
    manhattan, rate = row.baselines.get("manhattan"), row.shortest
    return interval_bar(rate.value, rate.low, rate.high, mark=None if manhattan is None else manhattan.value)
