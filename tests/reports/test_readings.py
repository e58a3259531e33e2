"""What the page says follows from the data: other data, other sentences."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from maze_rl.evaluation.results import Estimate, FirstErrorRow, GridCell, LengthRow, PairedDifference
from maze_rl.reports.comparison_readings import comparison_reading
from maze_rl.reports.content import Statement, interval_text, value_text
from maze_rl.reports.failure_readings import decision_reading, first_error_reading, hazard_reading, training_reading
from maze_rl.reports.limits import few_layouts, limits
from maze_rl.reports.run_summary import RunSummary, flat_settings
from maze_rl.reports.run_tables import duration
from maze_rl.reports.success_readings import grid_reading, length_reading, rate_statement, size_reading, sizes_text


def rate(value: float, num: int = 100) -> Estimate:
    return Estimate(value=value, low=value, high=value, num=num)


def lengths(*values: float) -> list[LengthRow]:
    return [
        LengthRow(low=10 * i + 1, high=10 * i + 10, num=100, in_training_range=True, shortest=rate(value), baselines={})
        for i, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1.0, 0.95, 0.7), "At least 90% are right in every bin of 50 mazes or more up to 20 steps."),
        ((0.8, 0.95), "Of the bins that hold 50 mazes or more, already the first (1–10 steps) is below 90%."),
        ((0.95, 0.6, 0.4), "The rate first falls below one half at 21–30 steps (40.0% of 100 mazes)."),
    ],
)
def test_length_reading(run: RunSummary, values: tuple[float, ...], expected: str) -> None:
    assert expected in length_reading(replace(run.evaluation, by_length=lengths(*values))).text


def test_length_reading_leaves_out_small_bins(run: RunSummary) -> None:
    rows = [replace(row, num=49) for row in lengths(0.1)]
    assert length_reading(replace(run.evaluation, by_length=rows)).text == "No bin of lengths holds 50 mazes."


def gap(value: float, low: float, high: float) -> PairedDifference:
    return PairedDifference(value=value, low=low, high=high, p_value=0.5)


def test_size_reading_places_the_model_on_the_look_ahead_ladder_by_paired_intervals(run: RunSummary) -> None:
    gaps = {2: gap(0.3, 0.2, 0.4), 4: gap(0.1, 0.02, 0.2), 8: gap(0.05, -0.01, 0.1), 16: gap(-0.2, -0.3, -0.1)}
    last = replace(
        run.evaluation.rows[-1],
        shortest=rate(0.6),
        against_manhattan=gap(0.4, 0.3, 0.5),
        baselines={f"look_ahead_{steps}": rate(0.5) for steps in gaps} | {"manhattan": rate(0.2)},
        against_baselines={f"look_ahead_{steps}": each for steps, each in gaps.items()},
    )
    text = size_reading(replace(run.evaluation, rows=[last])).text
    assert "on 60.0% (60.0% to 60.0%) of 100 mazes and Manhattan greedy on 20.0% of the same" in text
    assert "(difference +40.0 points, paired 95% interval +30.0 to +50.0)." in text
    assert (
        "better than ideal agents that look ahead this many steps: 2 (+30.0 points, paired 95% interval +20.0 to "
        "+40.0); 4 (+10.0 points, paired 95% interval +2.0 to +20.0). No difference is shown to those that look ahead: "
        "8 (+5.0 points, paired 95% interval −1.0 to +10.0). It does worse than those that look ahead: 16 (−20.0"
    ) in text
    old = replace(run.evaluation, rows=[replace(last, against_baselines={})])
    assert "look ahead" not in size_reading(old).text, "an evaluation of an earlier version did not pair them"


def test_grid_reading_counts_grey_cells(run: RunSummary) -> None:
    cells = [
        GridCell(size=5, low=1, high=4, shortest=rate(0.9)),
        GridCell(size=5, low=5, high=8, shortest=rate(1.0, 10)),
    ]
    assert "(1 of them)" in grid_reading(replace(run.evaluation, grid=cells, training_sizes=[5])).text


def hazards(first: float, second: float) -> FirstErrorRow:
    at_risk = [1000] * 20
    hazard = [first] * 10 + [second] * 10
    total = round(1000 * 10 * (first + second))
    return FirstErrorRow(
        size=8,
        num=1000,
        counts={"wall": total, "none": 1000 - total},
        mean_relative_position=0.5,
        mean_look_ahead=3.0,
        hazard=hazard,
        at_risk=at_risk,
        constant_hazard=total / sum(at_risk),
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(0.005, 0.02, "come later than"), (0.02, 0.005, "come earlier than"), (0.01, 0.01, "no clear difference")],
)
def test_hazard_reading(run: RunSummary, first: float, second: float, expected: str) -> None:
    changed = replace(run.evaluation, first_errors=[hazards(first, second)])
    assert expected in hazard_reading(changed).text


def test_first_error_reading_names_the_commonest(run: RunSummary) -> None:
    text = first_error_reading(replace(run.evaluation, first_errors=[hazards(0.01, 0.01)])).text
    assert text.startswith(
        "200 of 1,000 rollouts went wrong; the commonest first error is “through a wall” (200, 100%)."
    )
    assert "50% of the way" in text


def test_first_error_reading_names_all_that_are_equally_common(run: RunSummary) -> None:
    (row,) = [hazards(0.01, 0.01)]
    for counts, expected in (
        ({"non_optimal": 2, "wall": 2, "none": 6}, "errors are “wrong turn” and “through a wall” (2 each, 50%)."),
        (
            {"non_optimal": 1, "wall": 1, "backtrack": 1, "none": 7},
            "errors are “turned back”, “wrong turn” and “through a wall” (1 each, 33%).",
        ),
        ({"non_optimal": 1, "wall": 3, "none": 6}, "error is “through a wall” (3, 75%)."),
    ):
        text = first_error_reading(replace(run.evaluation, first_errors=[replace(row, counts=counts)])).text
        assert expected in text


def test_what_is_equal_in_several_places_is_told_of_all_or_of_the_first(run: RunSummary) -> None:
    rows = [replace(row, rollout_gap=0.02) for row in run.evaluation.teacher_forced[:2]]
    branching = replace(run.evaluation, algorithm="dfs_percolation", teacher_forced=rows)
    assert "at most 2.0 points (sizes 4–5)." in decision_reading(branching).text
    validated = [{"step": step, "validation_exact": value} for step, value in ((1, 0.5), (2, 1.0), (3, 1.0))]
    assert "(best 100.0%, first at step 2)" in training_reading(replace(run, metrics=validated)).text


def test_only_recorded_trainings_are_called_trainings(run: RunSummary) -> None:
    first, second = (replace(run, name=name) for name in ("first", "second"))
    built = replace(run, name="built", config={"about": {"kind": "hand-built"}}, metrics=[], is_run=False)
    assert "One training run stands behind each: how" in comparison_reading([first, second]).text
    assert "One training run stands behind first: how" in comparison_reading([first, built]).text
    assert "behind each of first, second: how" in comparison_reading([first, built, second]).text
    assert "training run" not in comparison_reading([built, replace(built, name="other")]).text


def test_limits_follow_the_data(run_maker: Callable[..., RunSummary], run: RunSummary) -> None:
    one = " ".join(point.text for point in limits([run]))
    assert "one model was trained, from one seed" in one and "size 8, the largest tested" in one
    other = replace(run, evaluation=replace(run.evaluation, algorithm="wilson"))
    assert "of another kind than the training mazes (dfs)" in " ".join(point.text for point in limits([other]))


def test_statements_keep_hostile_values_as_they_are() -> None:
    said = Statement("{name}: {value:+.1f}", {"name": "{value} a-b", "value": -1.25})
    assert said.text == "{value} a-b: −1.2"
    with pytest.raises(AssertionError, match="different values"):
        _ = said + Statement("{value}", {"value": 2})


def test_values_as_text() -> None:
    estimate = Estimate(value=0.9344, low=0.9, high=1.0, num=10)
    assert (value_text(estimate, "percent"), interval_text(estimate, "percent")) == ("93.4", "90.0–100.0")
    assert (value_text(-0.05, "points"), value_text(1234, "count"), value_text(None, "count")) == ("−5.0", "1,234", "–")
    assert value_text(float("nan"), "decimal") == "–"


def test_durations_and_sizes_in_words() -> None:
    assert [duration(seconds) for seconds in (48, 720, 11_100)] == ["48 s", "12 min", "3 h 05 min"]
    assert sizes_text((4, 10, 11, 12, 14)) == "4, 10–12, 14"


def test_settings_are_flattened() -> None:
    nested = {"seed": 1, "training": {"phases": [{"steps": 5}, {"steps": 6}], "loss": "all"}, "sizes": [1, 2]}
    assert flat_settings(nested) == [
        ("seed", 1),
        ("training.phases.1.steps", 5),
        ("training.phases.2.steps", 6),
        ("training.loss", "all"),
        ("sizes", [1, 2]),
    ]


def test_few_layouts_are_told_with_their_number(run: RunSummary) -> None:
    rows = [replace(row, layouts=27 if row.size == 4 else 250) for row in run.evaluation.rows]
    few = replace(run, evaluation=replace(run.evaluation, rows=rows))
    said = few_layouts([few])
    assert said.text.startswith("Caution: fewer than 200 different layouts")
    assert "size 4: 27 of 80 mazes." in said.text
    assert "size 5" not in said.text
    assert few_layouts([run]).text == "", "an evaluation of an earlier version did not count them"
    assert few_layouts([few, few]).text == said.text, "the same mazes are told once"


def test_few_layouts_of_any_run_are_told(run: RunSummary) -> None:
    rows = [replace(row, layouts=30 if row.size == 4 else 250) for row in run.evaluation.rows]
    few = replace(run, name="few", evaluation=replace(run.evaluation, rows=rows))
    for runs in ([run, few], [few, run]):
        assert "size 4: 30 of 80 mazes (few). What" in few_layouts(runs).text
    fewer = replace(few, name="fewer", evaluation=replace(few.evaluation, rows=[replace(rows[0], layouts=20)]))
    text = few_layouts([few, fewer]).text
    assert "at size 4: 20 of 80 mazes (fewer); size 4: 30 of 80 mazes (few). What" in text


def test_a_rate_is_said_with_its_layouts() -> None:
    counted = replace(rate(0.5), layouts=27)
    assert rate_statement("{a:.0%} ({a_mazes})", "a", counted).text == "50% (100 mazes, 27 layouts)"
    assert rate_statement("{a:.0%} ({a_mazes})", "a", rate(0.5)).text == "50% (100 mazes)"
