"""What the success figures say, in sentences computed from the data."""

from collections.abc import Sequence

from maze_rl.evaluation.results import Estimate, EvaluationResult
from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.names import baseline_kind, look_ahead_of
from maze_rl.reports.paired_runs import points_statement, shown
from maze_rl.reports.pooling import FEWEST, baseline_names
from maze_rl.reports.success_tables import span


def rate_statement(template: str, prefix: str, rate: Estimate, **more: object) -> Statement:
    """Build a statement; `template` may use ``{P}``, ``{P_low}``, ``{P_high}``, ``{P_mazes}``, with P the prefix.

    ``{P_mazes}`` is ``1,000 mazes, 27 layouts``; without the layouts where they were not counted.
    """
    numbers = {"": rate.value, "_low": rate.low, "_high": rate.high, "_num": rate.num, "_layouts": rate.layouts}
    layouts = "layout" if rate.layouts == 1 else "layouts"
    mazes = f"{{{prefix}_num:,}} mazes" + ("" if rate.layouts is None else f", {{{prefix}_layouts:,}} {layouts}")
    template = template.replace(f"{{{prefix}_mazes}}", mazes)
    return Statement(template, {prefix + end: value for end, value in numbers.items()} | more)


def sizes_text(sizes: Sequence[int]) -> str:
    """Write sizes as runs: ``(4, 10, 11, 12)`` -> ``4, 10–12``."""
    runs: list[list[int]] = []
    for size in sorted(sizes):
        if runs and size == runs[-1][-1] + 1:
            runs[-1].append(size)
        else:
            runs.append([size])
    return ", ".join(span(run[0], run[-1]) for run in runs)


def size_reading(evaluation: EvaluationResult) -> Statement:
    """Compare the model with Manhattan greedy and with an ideal agent of limited look-ahead, at the largest size."""
    if not evaluation.rows:
        return NOTHING
    largest = evaluation.rows[-1]
    said = rate_statement(
        "At size {size}, the largest tested, the model walks a shortest path on {rate:.1%} ({rate_low:.1%} to "
        "{rate_high:.1%}) of {rate_mazes}",
        "rate",
        largest.shortest,
        size=largest.size,
    )
    greedy = next((rate for name, rate in largest.baselines.items() if baseline_kind(name) == "manhattan"), None)
    if greedy:
        said += Statement("and Manhattan greedy on {greedy:.1%} of the same", {"greedy": greedy.value})
    difference = points_statement("greedy", largest.against_manhattan)
    said += Statement(f"(difference {difference.template}).", difference.values)
    return said + _look_ahead_reading(evaluation)


def _look_ahead_reading(evaluation: EvaluationResult) -> Statement:
    """Place the model among the ideal agents that see L steps ahead, by paired differences at the largest size.

    Says nothing of evaluations that did not pair them.
    """
    largest = evaluation.rows[-1]
    ladder = sorted((look_ahead_of(name) or 0, name) for name in baseline_names(evaluation) if look_ahead_of(name))
    if not ladder or not all(name in largest.against_baselines for _, name in ladder):
        return NOTHING
    groups: dict[str, list[str]] = {"more": [], "": [], "less": []}
    values: dict[str, object] = {}
    for steps, name in ladder:
        difference = largest.against_baselines[name]
        said = points_statement(f"ahead_{steps}", difference)
        values |= {**said.values, f"ahead_{steps}": steps}
        groups[shown(difference)].append(f"{{ahead_{steps}}} ({said.template})")
    words = {
        "more": "It does better than ideal agents that look ahead this many steps",
        "": "No difference is shown to those that look ahead",
        "less": "It does worse than those that look ahead",
    }
    parts = [f"{words[name]}: {'; '.join(listed)}." for name, listed in groups.items() if listed]
    return Statement(" ".join(parts), values)


def length_reading(evaluation: EvaluationResult) -> Statement:
    """Say up to which path length the model is reliable, and where it falls below one half."""
    rows = [row for row in evaluation.by_length if row.num >= FEWEST]
    if not rows:
        return Statement("No bin of lengths holds {fewest} mazes.", {"fewest": FEWEST})
    reliable = 0
    while reliable < len(rows) and rows[reliable].shortest.value >= 0.9:
        reliable += 1
    said = Statement(
        "Of the bins that hold {fewest} mazes or more, already the first ({first} steps) is below 90%.",
        {"first": span(rows[0].low, rows[0].high), "fewest": FEWEST},
    )
    if reliable:
        said = Statement(
            "At least 90% are right in every bin of {fewest} mazes or more up to {steps} steps.",
            {"steps": rows[reliable - 1].high, "fewest": FEWEST},
        )
    half = next((row for row in rows if row.shortest.value < 0.5), None)
    if half:
        said += Statement(
            "The rate first falls below one half at {half} steps ({at_half:.1%} of {half_num:,} mazes).",
            {"half": span(half.low, half.high), "at_half": half.shortest.value, "half_num": half.num},
        )
    left_out = len(evaluation.by_length) - len(rows)
    if left_out:
        said += Statement(
            "Bins with fewer than {fewest} mazes ({left_out}) are in the table only.",
            {"fewest": FEWEST, "left_out": left_out},
        )
    if evaluation.longest_training_path is not None:
        said += Statement(
            "The longest path seen in training had {longest} steps.", {"longest": evaluation.longest_training_path}
        )
    return said


def grid_reading(evaluation: EvaluationResult) -> Statement:
    """Say which cells are grey."""
    greyed = sum(0 < cell.shortest.num < FEWEST for cell in evaluation.grid)
    return Statement(
        "Cells with fewer than {fewest} mazes are grey ({greyed} of them).", {"fewest": FEWEST, "greyed": greyed}
    )
