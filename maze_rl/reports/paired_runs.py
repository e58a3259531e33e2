"""One run against another on the same test mazes, maze by maze."""

from collections.abc import Sequence

import numpy as np

from maze_rl.evaluation.results import EvaluationResult, PairedDifference, SizeRow
from maze_rl.intervals import paired_difference
from maze_rl.reports.content import Statement, number_text


def paired_rates(
    ours: EvaluationResult, theirs: EvaluationResult, sizes: Sequence[int] | None = None
) -> PairedDifference | None:
    """Return the rate of shortest paths of the first minus that of the second, over some sizes (None: all).

    None where the two were not tested on the same mazes, one of them did not keep which mazes it solved (evaluations
    of earlier versions), or there are no such sizes.
    """
    if ours.maze_digest != theirs.maze_digest or _tested(ours) != _tested(theirs):
        return None
    both = zip(ours.rows, theirs.rows, strict=True)
    pairs = [(row, other) for row, other in both if sizes is None or row.size in sizes]
    if not pairs or not all(row.solved and other.solved for row, other in pairs):
        return None
    first, second = (np.concatenate([_solved(pair[which]) for pair in pairs]) for which in (0, 1))
    layouts, start = [], 0
    for row, _ in pairs:
        numbers = np.array(row.layout_of or range(row.num), np.int64)
        layouts.append(numbers + start)
        start += row.num
    return PairedDifference(**paired_difference(first, second, np.concatenate(layouts))._asdict())


def _tested(evaluation: EvaluationResult) -> list[tuple[int, int]]:
    return [(row.size, row.num) for row in evaluation.rows]


def _solved(row: SizeRow) -> np.ndarray:
    return np.frombuffer(row.solved.encode(), np.uint8) == ord("1")


def shown(difference: PairedDifference) -> str:
    """Return `more`, `less`, or empty where the interval holds 0: then no difference is shown."""
    return "more" if difference.low > 0 else "less" if difference.high < 0 else ""


def points_statement(name: str, difference: PairedDifference) -> Statement:
    """Return ``+4.0 points, 95% interval +1.2 to +6.9``; the values are named after `name`."""
    values = {f"{name}_{end}": 100 * getattr(difference, end) for end in ("value", "low", "high")}
    text = f"{{{name}_value:+.1f}} points, paired 95% interval {{{name}_low:+.1f}} to {{{name}_high:+.1f}}"
    return Statement(text, values)


def points_text(difference: PairedDifference) -> str:
    """Return a difference with its interval as text, for lists."""
    value, low, high = (number_text(getattr(difference, end), "points") for end in ("value", "low", "high"))
    return f"{value} points, paired 95% interval {low} to {high}"
