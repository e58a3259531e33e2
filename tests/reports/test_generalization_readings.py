"""The first lines of a page follow from the rows: every size they name was tested, every number stands in a row."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_rl.evaluation.results import AlgorithmRow, Estimate, EvaluationResult, LoopRow, PairedDifference, StepRow
from maze_rl.intervals import wilson
from maze_rl.reports.generalization_readings import (
    algorithms_reading,
    headline,
    loops_reading,
    pooled_steps,
    steps_headline,
    steps_reading,
)
from maze_rl.reports.pooling import pool
from maze_rl.reports.run_summary import RunSummary


def rate(value: float, num: int = 100) -> Estimate:
    found = wilson(round(value * num), num)
    return Estimate(value=found.value, low=found.low, high=found.high, num=num, layouts=num, effective=float(num))


def gap(value: float, width: float = 0.08) -> PairedDifference:
    return PairedDifference(value=value, low=value - width, high=value + width, p_value=0.5)


def measured(
    run: RunSummary,
    rates: dict[int, tuple[float, float]],
    trained: Sequence[int] = (),
    steps: Sequence[tuple[int, float, int]] = (),
) -> RunSummary:
    """Return a run with these rates of model and Manhattan greedy by size, and steps as (size, rate, bin)."""
    rows = [
        replace(
            run.evaluation.rows[0],
            size=size,
            in_training_range=size in trained,
            shortest=rate(model),
            baselines={"manhattan": rate(greedy)},
            num=100,
            against_manhattan=gap(model - greedy),
        )
        for size, (model, greedy) in sorted(rates.items())
    ]
    by_distance = [
        StepRow(size=size, low=8 * number + 1, high=8 * number + 8, mazes=20, accuracy=rate(value))
        for size, value, number in steps
    ]
    evaluation = replace(run.evaluation, rows=rows, training_sizes=list(trained), steps_by_distance=by_distance)
    return replace(run, evaluation=evaluation)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (
            {5: (0.98, 0.6), 6: (0.97, 0.5), 7: (0.85, 0.4), 8: (0.40, 0.3), 9: (0.10, 0.2)},
            "At 7 × 7, larger than any it was trained on, 85.0% (76.7% to 90.7%) of 100 mazes, 100 layouts are walked "
            "so. It falls below one half at 8 × 8 (40.0% of 100 mazes, 100 layouts, 30.9% to 49.8%). It is behind "
            "Manhattan greedy at 9 × 9: 10.0% against 20.0% of the same 100 mazes, −10.0 points, paired 95% interval "
            "−18.0 to −2.0.",
        ),
        (
            {5: (0.98, 0.6), 6: (0.97, 0.5), 7: (0.85, 0.4)},
            "It is right at least half of the time at every size tested, up to 7 × 7. At no size tested is it shown to "
            "be behind Manhattan greedy (95% intervals, maze by maze).",
        ),
        (
            {5: (0.10, 0.6), 6: (0.20, 0.5)},
            "It is below one half already at 5 × 5, the smallest tested (10.0% of 100 mazes, 100 layouts, 5.5% to "
            "17.4%). It is behind Manhattan greedy already at 5 × 5: 10.0% against 60.0%",
        ),
        (
            {5: (0.98, 0.6), 6: (0.55, 0.6)},
            "At no size tested is it shown to be behind",
        ),
    ],
)
def test_the_headline_says_where_it_breaks(
    run: RunSummary, rates: dict[int, tuple[float, float]], expected: str
) -> None:
    assert expected in headline(measured(run, rates, trained=(5, 6))).text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            (0.99, 0.97, 0.90, 0.99),
            "95% of the time up to 16 steps from the target; at 17–24 steps 90.0% (82.6% to 94.5%) of 100 are.",
        ),
        ((0.99, 0.98), "at least 95% of the time at every distance asked about, up to 16 steps from the target."),
        ((0.70, 0.99), "only 70.0% (60.4% to 78.1%) of 100 are right already 1–8 steps from the target."),
        ((), ""),
    ],
)
def test_the_headline_says_how_far_single_steps_are_right(
    run: RunSummary, values: tuple[float, ...], expected: str
) -> None:
    steps = [(5, value, number) for number, value in enumerate(values)]
    said = steps_headline(measured(run, {}, steps=steps).evaluation).text
    assert said.endswith(expected)
    assert bool(said) == bool(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1.0, 0.72, 0.9), "at 5 × 5, 9–16 steps from the target."),
        ((0.72, 0.9, 0.72, 0.72), "at 5 × 5, 1–8 steps from the target, and as low in 2 other cells."),
        ((1.0, 1.0, 1.0), "The rate is the same, 100.0%, in all 3 cells."),
        ((0.5,), "at 5 × 5, 1–8 steps from the target."),
    ],
)
def test_the_lowest_cell_is_named_alone_only_where_it_is_alone(
    run: RunSummary, values: tuple[float, ...], expected: str
) -> None:
    steps = [(5, value, number) for number, value in enumerate(values)]
    said = steps_reading(measured(run, {}, steps=steps).evaluation).text
    assert said.endswith(expected)
    assert said.startswith("Lowest:") != (len(values) > 1 and len(set(values)) == 1)


def test_few_steps_are_left_out_of_what_is_said(run: RunSummary) -> None:
    rows = [
        StepRow(size=5, low=1, high=8, mazes=20, accuracy=rate(1.0)),
        StepRow(size=5, low=9, high=16, mazes=5, accuracy=rate(0.0, 49)),
    ]
    evaluation = replace(run.evaluation, steps_by_distance=rows)
    assert "up to 8 steps" in steps_headline(evaluation).text
    assert "Cells with fewer than 50 steps are grey (1 of them)." in steps_reading(evaluation).text


shares = st.integers(0, 100).map(lambda percent: percent / 100)
tested = st.dictionaries(st.integers(3, 20), st.tuples(shares, shares), min_size=1, max_size=8)
asked = st.lists(
    st.tuples(st.integers(3, 20), shares, st.integers(0, 9)), max_size=12, unique_by=lambda step: (step[0], step[2])
)


def named_sizes(pattern: str, text: str) -> set[int]:
    """The sizes that a sentence lists, as 4, 6–8."""
    found = re.search(pattern, text)
    if not found:
        return set()
    spans = [[int(end) for end in part.split("–")] for part in found[1].strip(" ,").split(", ")]
    return {size for part in spans for size in range(part[0], part[-1] + 1)}


def known_numbers(evaluation: EvaluationResult, more: Sequence[Estimate | None]) -> set[str]:
    estimates = [row.shortest for row in evaluation.rows] + [row.baselines["manhattan"] for row in evaluation.rows]
    estimates += [each for each in more if each]
    return {f"{100 * number:.1f}%" for each in estimates for number in (each.value, each.low, each.high)}


@given(rates=tested, trained=st.sets(st.integers(3, 20), max_size=5), steps=asked)
def test_every_size_and_number_of_the_headline_is_in_a_row(
    run: RunSummary,
    rates: dict[int, tuple[float, float]],
    trained: set[int],
    steps: list[tuple[int, float, int]],
) -> None:
    found = measured(run, rates, trained=sorted(trained), steps=steps)
    evaluation, text = found.evaluation, headline(found).text
    sizes = {row.size for row in evaluation.rows}
    assert {int(size) for pair in re.findall(r"(\d+) × (\d+)", text) for size in pair} <= sizes
    inside = [row for row in evaluation.rows if row.in_training_range]
    known = inside if trained else evaluation.rows  # where it is not known, all sizes are told of together
    pooled = [pool([row.shortest for row in known]), *(each.accuracy for each in pooled_steps(evaluation))]
    assert set(re.findall(r"\d+\.\d%", text)) <= known_numbers(evaluation, pooled)
    named = named_sizes(r"Inside the sizes it was trained on \(([^)]*)\)", text)
    assert named == {row.size for row in inside}
    missing = named_sizes(r"(?:None of the sizes it|It) was trained on \(?([\d–, ]+?)\)? (?:was|too, not) tested", text)
    assert missing == trained - sizes
    told = re.search(r"Inside .*?\) of ([\d,]+) mazes", text)
    assert (int(told[1].replace(",", "")) if told else 0) == sum(row.shortest.num for row in inside)


@given(rates=tested, trained=st.sets(st.integers(3, 20), min_size=1, max_size=5))
def test_the_headline_breaks_at_the_first_size_that_fails(
    run: RunSummary, rates: dict[int, tuple[float, float]], trained: set[int]
) -> None:
    text = headline(measured(run, rates, trained=sorted(trained))).text
    low = [size for size, (model, _) in sorted(rates.items()) if model < 0.5]
    behind = [size for size, (model, greedy) in sorted(rates.items()) if gap(model - greedy).high < 0]
    for failing, words in ((low, "below one half"), (behind, "is behind Manhattan greedy")):
        claims = [part for part in re.split(r"(?<=\.) ", text) if words in part]
        assert bool(claims) == bool(failing)
        if failing:
            assert f"{failing[0]} × {failing[0]}" in claims[0]
    unseen = [size for size in sorted(rates) if size > max(trained)]
    assert ("larger than any it was trained on" in text) == bool(unseen)
    if unseen:
        assert f"At {unseen[0]} × {unseen[0]}, larger than any" in text


@given(steps=asked)
def test_steps_are_right_up_to_the_distance_said(run: RunSummary, steps: list[tuple[int, float, int]]) -> None:
    evaluation = measured(run, {}, steps=steps).evaluation
    text, bins = steps_headline(evaluation).text, pooled_steps(evaluation)
    near = re.search(r"up to (\d+) steps from the target", text)
    reliable = [each for each in bins if near and each.high <= int(near[1])]
    assert all(each.accuracy.value >= 0.95 for each in reliable)
    wrong = re.search(r"at \d+–\d+ steps \d+\.\d%|right already \d+–\d+ steps", text)
    failing = [each for each in bins if each.accuracy.value < 0.95]
    assert bool(wrong) == bool(failing)
    if failing:
        assert f"{failing[0].low}–{failing[0].high}" in text and f"{failing[0].accuracy.value:.1%}" in text


def loop_rows(values: dict[int, float], size: int = 9, kept: int = 18, width: float = 0.05) -> list[LoopRow]:
    return [
        LoopRow(
            size=size,
            loops=loops,
            as_kept=loops == kept,
            in_training_range=False,
            shortest=rate(value),
            against_kept=None if loops == kept else gap(value - values[kept], width),
        )
        for loops, value in values.items()
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {9: 0.2, 18: 0.8, 36: 0.82},
            "With 9 it is 20.0%: worse, −60.0 points, paired 95% interval −65.0 to −55.0. With 36 it is 82.0%: no "
            "difference shown, +2.0 points, paired 95% interval −3.0 to +7.0.",
        ),
        (
            {18: 0.5, 36: 0.9, 27: 0.0},
            "loops the model is kept with. With 36 it is 90.0%: better, +40.0 points, paired 95% interval +35.0 to "
            "+45.0.",
        ),
        (
            {18: 0.5},
            "50.0% (40.4% to 59.6%) of walks in 100 mazes, 100 layouts are shortest with the 18 loops the model is "
            "kept with.",
        ),
    ],
)
def test_loops_are_compared_at_the_largest_size(values: dict[int, float], expected: str) -> None:
    text = loops_reading([*loop_rows({18: 0.11}, size=4), *loop_rows(values)]).text
    assert text.startswith("At 9 × 9, the largest size tried,") and text.endswith(expected)


def test_loops_that_were_not_paired_are_not_compared() -> None:
    rows = [replace(row, against_kept=None) for row in loop_rows({9: 0.2, 18: 0.8})]
    assert loops_reading(rows).text.endswith("With 9 it is 20.0%.")


@given(st.dictionaries(st.integers(1, 60), shares, min_size=1, max_size=6), st.data())
def test_what_is_said_of_loops_is_in_the_rows(values: dict[int, float], data: st.DataObject) -> None:
    kept = data.draw(st.sampled_from(sorted(values)))
    text = loops_reading(loop_rows(values, kept=kept)).text
    assert f", {rate(values[kept]).value:.1%} (" in text and f"with the {kept} loops" in text
    said = {int(loops): share for loops, share in re.findall(r"With (\d+) it is (\d+\.\d%)", text)}
    assert said == {n: f"{values[n]:.1%}" for n in {min(values), max(values)} - {kept}}


def test_without_loops_nothing_is_said_of_them() -> None:
    assert loops_reading([]).text == algorithms_reading([]).text == ""


def test_algorithms_are_compared_at_the_largest_trained_size_that_all_have() -> None:
    def row(algorithm: str, size: int, value: float) -> AlgorithmRow:
        inside, known = size <= 6, algorithm == "dfs"
        return AlgorithmRow(
            algorithm=algorithm,
            size=size,
            trained_on=known,
            in_training_range=inside,
            shortest=rate(value),
            manhattan=rate(0.1),
        )

    rows = [row("dfs", 5, 0.3), row("dfs", 6, 0.4), row("dfs", 7, 0.5), row("wilson", 5, 0.9), row("wilson", 7, 0.6)]
    said = algorithms_reading(rows).text
    assert said == (
        "Shortest paths at 5 × 5: dfs 30.0% (21.9% to 39.6%) of 100 mazes; wilson 90.0% (82.6% to 94.5%) of 100 mazes. "
        "Of these it was trained on dfs. Each algorithm has mazes of its own, so nothing here is paired."
    )
