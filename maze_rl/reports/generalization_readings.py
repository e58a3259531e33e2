"""What generalizes and where it breaks, in sentences computed from the rows of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import AlgorithmRow, Estimate, EvaluationResult, LookAheadRow, LoopRow, SizeRow
from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.names import baseline_kind
from maze_rl.reports.paired_runs import points_statement, shown
from maze_rl.reports.pooling import FEWEST, pool, split_rate
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.success_readings import rate_statement, sizes_text
from maze_rl.reports.success_tables import span

RIGHT = 0.95
"""Single steps count as right where at least this share of them is."""
_PERCENT = round(100 * RIGHT)


def headline(run: RunSummary) -> Statement:
    """Say how often the model is right inside and just outside its training sizes, and where it breaks."""
    evaluation = run.evaluation
    inside = _inside(evaluation) if evaluation.training_sizes else _all_sizes(evaluation)
    said = inside + _beyond(evaluation) + _break(evaluation.rows)
    return said + steps_headline(evaluation)


def _all_sizes(evaluation: EvaluationResult) -> Statement:
    """State the rate over all sizes, of a model of which it is not known what it was trained on."""
    every = pool([row.shortest for row in evaluation.rows])
    if every is None:
        return NOTHING
    return rate_statement(
        "The model walks a shortest path in {every:.1%} ({every_low:.1%} to {every_high:.1%}) of {every_mazes} of "
        "{word} {sizes}; what sizes it was trained on, if any, is not recorded.",
        "every",
        every,
        sizes=sizes_text([row.size for row in evaluation.rows]),
        word="size" if len(evaluation.rows) == 1 else "sizes",
    )


def _inside(evaluation: EvaluationResult) -> Statement:
    inside = split_rate(evaluation, lambda row: row.shortest).inside
    tested = [row.size for row in evaluation.rows if row.in_training_range]
    missing = sizes_text(sorted({*evaluation.training_sizes} - {*tested}))
    if inside is None:
        if not missing:
            return NOTHING
        return Statement("None of the sizes it was trained on ({missing}) was tested.", {"missing": missing})
    said = rate_statement(
        "Inside the sizes it was trained on ({sizes}) the model walks a shortest path in {inside:.1%} "
        "({inside_low:.1%} to {inside_high:.1%}) of {inside_mazes}.",
        "inside",
        inside,
        sizes=sizes_text(tested),
    )
    return said + Statement("It was trained on {missing} too, not tested.", {"missing": missing}) if missing else said


def _beyond(evaluation: EvaluationResult) -> Statement:
    """State the rate at the first size beyond those trained on."""
    largest = max(evaluation.training_sizes, default=None)
    beyond = [row for row in evaluation.rows if largest is not None and row.size > largest]
    if not beyond:
        return NOTHING
    first = beyond[0]
    return rate_statement(
        "At {new} × {new}, larger than any it was trained on, {beyond:.1%} ({beyond_low:.1%} to {beyond_high:.1%}) of "
        "{beyond_mazes} are walked so.",
        "beyond",
        first.shortest,
        new=first.size,
    )


def _break(rows: Sequence[SizeRow]) -> Statement:
    """Say at which size the rate first falls below one half, and at which it is shown to be behind Manhattan greedy."""
    if not rows:
        return NOTHING
    half = next((row for row in rows if row.shortest.value < 0.5), None)
    return _below_half(half, rows) + _below_greedy(rows)


def _greedy(row: SizeRow) -> Estimate | None:
    """Return the rate of Manhattan greedy, where it walked these mazes."""
    return next((rate for name, rate in row.baselines.items() if baseline_kind(name) == "manhattan"), None)


def _below_half(row: SizeRow | None, rows: Sequence[SizeRow]) -> Statement:
    if row is None:
        return Statement(
            "It is right at least half of the time at every size tested, up to {last} × {last}.",
            {"last": rows[-1].size},
        )
    start = "It is below one half already at {half} × {half}, the smallest tested"
    if row is not rows[0]:
        start = "It falls below one half at {half} × {half}"
    return rate_statement(
        start + " ({at_half:.1%} of {at_half_mazes}, {at_half_low:.1%} to {at_half_high:.1%}).",
        "at_half",
        row.shortest,
        half=row.size,
    )


def _below_greedy(rows: Sequence[SizeRow]) -> Statement:
    """Compare with Manhattan greedy on the same mazes, by the interval of the paired difference."""
    if any(_greedy(row) is None for row in rows):
        return NOTHING
    behind = next((row for row in rows if row.against_manhattan.high < 0), None)
    if behind is None:
        return Statement("At no size tested is it shown to be behind Manhattan greedy (95% intervals, maze by maze).")
    start = "It is behind Manhattan greedy" + (" already" if behind is rows[0] else "")
    greedy = _greedy(behind)
    assert greedy is not None
    said = Statement(
        start + " at {behind} × {behind}: {at_behind:.1%} against {greedy:.1%} of the same {behind_num:,} mazes,",
        {
            "behind": behind.size,
            "at_behind": behind.shortest.value,
            "greedy": greedy.value,
            "behind_num": behind.num,
        },
    )
    return said + _ended(points_statement("behind", behind.against_manhattan))


def _ended(said: Statement) -> Statement:
    return Statement(said.template + ".", said.values)


@dataclass(frozen=True, kw_only=True)
class DistanceBin(Shown):
    """Single steps of all sizes together at some distances to the target."""

    low: int
    high: int
    accuracy: Estimate


def pooled_steps(evaluation: EvaluationResult) -> list[DistanceBin]:
    """Pool the single steps of all sizes by distance; bins with fewer than `FEWEST` steps are left out."""
    bins = sorted({(row.low, row.high) for row in evaluation.steps_by_distance})
    pooled = []
    for low, high in bins:
        accuracy = pool([row.accuracy for row in evaluation.steps_by_distance if row.low == low])
        if accuracy is not None and accuracy.num >= FEWEST:
            pooled.append(DistanceBin(low=low, high=high, accuracy=accuracy))
    return pooled


def steps_headline(evaluation: EvaluationResult) -> Statement:
    """Say up to which distance single steps are right; nothing where they were not asked for."""
    bins = pooled_steps(evaluation)
    if not bins:
        return NOTHING
    wrong = next((each for each in bins if each.accuracy.value < RIGHT), None)
    if wrong is None:
        return Statement(
            "Single steps, asked from cells anywhere in mazes of all sizes tested, are right "
            "at least {right}% of the time at every distance asked about, up to {far} steps from the target.",
            {"right": _PERCENT, "far": bins[-1].high},
        )
    values = {
        "wrong": span(wrong.low, wrong.high),
        "at_wrong": wrong.accuracy.value,
        "at_wrong_low": wrong.accuracy.low,
        "at_wrong_high": wrong.accuracy.high,
        "at_wrong_num": wrong.accuracy.num,
    }
    rate = "{at_wrong:.1%} ({at_wrong_low:.1%} to {at_wrong_high:.1%}) of {at_wrong_num:,}"
    if wrong is bins[0]:
        return Statement(
            "Of single steps, asked from cells anywhere in mazes of all sizes tested, only "
            + rate
            + " are right already {wrong} steps from the target.",
            values,
        )
    before = bins[bins.index(wrong) - 1]
    return Statement(
        "Single steps, asked from cells anywhere in mazes of all sizes tested, are right "
        "at least {right}% of the time up to {near} steps from the target; at {wrong} steps " + rate + " are.",
        values | {"right": _PERCENT, "near": before.high},
    )


def steps_reading(evaluation: EvaluationResult) -> Statement:
    """Say what was asked, and which cell of the figure is worst where there are enough steps."""
    rows = [row for row in evaluation.steps_by_distance if row.accuracy.num >= FEWEST]
    if not rows:
        return Statement("No size and distance has {fewest} steps.", {"fewest": FEWEST})
    worst = min(rows, key=lambda row: row.accuracy.value)
    equal = sum(row.accuracy.value == worst.accuracy.value for row in rows)
    if equal == len(rows) > 1:
        said = Statement(
            "The rate is the same, {worst:.1%}, in all {equal} cells.", {"worst": worst.accuracy.value, "equal": equal}
        )
    else:
        said = rate_statement(
            "Lowest: {worst:.1%} ({worst_low:.1%} to {worst_high:.1%}) at {size} × {size}, {steps} steps from the "
            + ("target, and as low in {others} other cells." if equal > 1 else "target."),
            "worst",
            worst.accuracy,
            size=worst.size,
            steps=span(worst.low, worst.high),
            **({"others": equal - 1} if equal > 1 else {}),
        )
    grey = sum(row.accuracy.num < FEWEST for row in evaluation.steps_by_distance)
    if grey:
        said += Statement(
            "Cells with fewer than {fewest} steps are grey ({grey} of them).", {"fewest": FEWEST, "grey": grey}
        )
    return said


def look_ahead_reading(rows: Sequence[LookAheadRow]) -> Statement:
    """Say at which sizes the look-ahead has a limit, and where it lies."""
    said = NOTHING
    for where, words in _LOOK_AHEAD_WORDS.items():
        sizes = [row.size for row in rows if row.where == where]
        if sizes:
            most = max(row.most for row in rows if row.where == where)
            values = {f"{where}_sizes": sizes_text(sizes), f"{where}_most": most}
            word = "size" if len(sizes) == 1 else "sizes"
            said += Statement(words.format(sizes=f"{word} {{{where}_sizes}}", most=f"{{{where}_most}}"), values)
    for row in rows:
        if row.look_ahead is not None:
            name = f"at_{row.size}"
            values = {
                f"{name}_size": row.size,
                name: row.look_ahead.value,
                f"{name}_low": row.look_ahead.low,
                f"{name}_high": row.look_ahead.high,
            }
            said += Statement(
                f"At {{{name}_size}} × {{{name}_size}} the choices fall off at {{{name}:.1f}} steps "
                f"({{{name}_low:.1f}} to {{{name}_high:.1f}}).",
                values,
            )
    return said


_LOOK_AHEAD_WORDS = {
    "above": "At {sizes} no limit shows: choices are right at a high rate throughout, up to {most} steps.",
    "below": "At {sizes} choices are near a guess throughout, up to {most} steps.",
    "greedy": "At {sizes} what explains the choices is whether Manhattan greedy is right, up to {most} steps.",
}


def loops_reading(rows: Sequence[LoopRow]) -> Statement:
    """Compare the fewest and the most loops with the number the model is kept with, at the largest size."""
    largest = max((row.size for row in rows if row.as_kept), default=None)
    if largest is None:
        return NOTHING
    here = sorted((row for row in rows if row.size == largest), key=lambda row: row.loops)
    kept = next(row for row in here if row.as_kept)
    said = rate_statement(
        "At {size} × {size}, the largest size tried, {kept:.1%} ({kept_low:.1%} to {kept_high:.1%}) of walks in "
        "{kept_mazes} are shortest with the {loops} loops the model is kept with.",
        "kept",
        kept.shortest,
        size=largest,
        loops=kept.loops,
    )
    if here[0] is not kept:
        said += _against_kept("fewer", here[0])
    if here[-1] is not kept:
        said += _against_kept("more", here[-1])
    return said


def _against_kept(name: str, other: LoopRow) -> Statement:
    """State the rate with other loops, and what the paired difference shows, where it was measured."""
    values = {f"{name}_loops": other.loops, f"{name}_rate": other.shortest.value}
    said = f"With {{{name}_loops}} it is {{{name}_rate:.1%}}"
    difference = other.against_kept
    if difference is None:
        return Statement(said + ".", values)
    verdict = {"more": "better", "less": "worse"}.get(shown(difference), "no difference shown")
    return Statement(f"{said}: {verdict},", values) + _ended(points_statement(name, difference))


def algorithms_reading(rows: Sequence[AlgorithmRow]) -> Statement:
    """State the rates by algorithm at the largest trained size, or the largest of all, each with its mazes."""
    shared = [size for size in sorted({row.size for row in rows}) if _in_all(rows, size)]
    inside = [size for size in shared if any(row.size == size and row.in_training_range for row in rows)]
    if not shared:
        return NOTHING
    size = (inside or shared)[-1]
    here = [row for row in rows if row.size == size]
    listed = "; ".join(
        f"{{name_{place}}} {{rate_{place}:.1%}} ({{low_{place}:.1%}} to {{high_{place}:.1%}}) of "
        f"{{num_{place}:,}} mazes"
        for place in range(len(here))
    )
    values: dict[str, object] = {"size": size}
    for place, row in enumerate(here):
        rate = row.shortest
        values |= {f"name_{place}": row.algorithm, f"rate_{place}": rate.value, f"num_{place}": rate.num}
        values |= {f"low_{place}": rate.low, f"high_{place}": rate.high}
    trained = sorted({row.algorithm for row in here if row.trained_on})
    said = Statement("Shortest paths at {size} × {size}: " + listed + ".", values)
    if trained:
        said += Statement("Of these it was trained on {trained}.", {"trained": ", ".join(trained)})
    return said + Statement("Each algorithm has mazes of its own, so nothing here is paired.")


def _in_all(rows: Sequence[AlgorithmRow], size: int) -> bool:
    return {row.algorithm for row in rows if row.size == size} == {row.algorithm for row in rows}
