"""The self-test: its gates can fail, and one instance of everything passes them."""

from dataclasses import replace

import numpy as np
import pytest

from maze_rl.calibration.confusion_matrix import matrix_values
from maze_rl.calibration.judged import ALL_ROWS, Judged
from maze_rl.calibration.looped_zoo import LOOP_ROWS, make_loop_instances
from maze_rl.calibration.selftest import SelfTest, selftest
from maze_rl.calibration.zoo import ANY, LEAST_GROWTH, ROWS, SCORES, STRENGTHS, ZooRow, make_instances
from maze_rl.interp.behaviour.reach import measure_reach
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.decisions import find_decisions
from maze_rl.intervals import Interval
from maze_rl.mazes.generate import generate

INSTANCE, LOOP_INSTANCE = make_instances(1, 0)[0], make_loop_instances(1, 0)[0]
TIMES = 20
"""Instances of each row: one that is undecided is then less than a tenth."""


def judged(row: ZooRow, effect: float = 1.0) -> Judged:
    """Return a model of which everything is said that is known."""
    finding = Finding(name="", effect=Interval(effect, effect, effect), threshold=0.5, num_mazes=50)
    scores = [name for name in row.expected if name != "search"]
    return Judged(
        row=row.name,
        instance=LOOP_INSTANCE if row in LOOP_ROWS else INSTANCE,
        findings=dict.fromkeys(scores, finding),
        verdicts=dict(row.expected),
        holds=row.holds[0],
    )


def right_result() -> SelfTest:
    rows = [judged(row) for row in ALL_ROWS.values() for _ in range(TIMES)]
    graded = {strength: [replace(judged(ROWS[0], 1 - strength), row="N5 ablated")] for strength in STRENGTHS}
    return SelfTest(judged=rows, graded=graded)


def with_one(result: SelfTest, row: str, **changed: object) -> SelfTest:
    """Return the result with the first model of a row changed."""
    place = next(place for place, one in enumerate(result.judged) if one.row == row)
    one = result.judged[place]
    if "verdicts" in changed:
        changed["verdicts"] = {**one.verdicts, **changed["verdicts"]}  # pyright: ignore[reportGeneralTypeIssues]
    return replace(result, judged=[*result.judged[:place], replace(one, **changed), *result.judged[place + 1 :]])


def test_a_right_result_holds() -> None:
    result = right_result()
    values = matrix_values(result)
    assert result.holds and values["holds"] and len(values["rows"]) == len(ROWS) + len(LOOP_ROWS)
    assert values["graded"][0] == {"cut": 0.0, "score": 1.0}
    assert all(each["count"] == 0 < each["num"] for rate in values["rates"].values() for each in rate.values())


@pytest.mark.parametrize("row", ["N2 greedy", "N7 looped greedy"])
@pytest.mark.parametrize("score", SCORES[1:])
def test_one_false_yes_is_enough(row: str, score: str) -> None:
    said = "searches" if score == "search" else "yes"
    wrong = with_one(right_result(), row, verdicts={score: said}, holds=ALL_ROWS["N3 decoy"].holds[0])
    assert not wrong.holds and len(wrong.false_yes(score)) == 1
    assert matrix_values(wrong)["rates"][score]["false_yes"]["count"] == 1


@pytest.mark.parametrize("score", SCORES)
def test_one_in_ten_of_a_column_may_be_undecided(score: str) -> None:
    result = right_result()
    said = "undecided" if score == "search" else "unclear"
    one = with_one(result, "H1 wave", verdicts={score: said})
    assert one.holds and len(one.missed(score)) == 1
    rows = ("H1 wave", "N3 decoy")
    many = replace(
        result,
        judged=[
            replace(each, verdicts={**each.verdicts, score: said}) if each.row in rows else each
            for each in result.judged
        ],
    )
    assert not many.holds


def test_what_is_held_must_be_named() -> None:
    wrong = with_one(right_result(), "H3 filling", holds="distances to the target")
    assert not wrong.holds and len(wrong.false_yes("S2")) == 1


def test_no_more_steps_may_be_claimed_than_there_are_rounds() -> None:
    decisions = find_decisions(INSTANCE.tokenization, generate(5, "dfs", num=60, seed=1).batches[0])
    reach = replace(measure_reach(decisions, np.ones(len(decisions), bool)), steps=INSTANCE.rounds)
    assert with_one(right_result(), "H1 wave", reach=reach).holds
    more = replace(reach, steps=INSTANCE.rounds + 1)
    assert not with_one(right_result(), "H1 wave", reach=more).holds


def test_a_search_of_few_rounds_need_not_show_in_growth() -> None:
    assert ROWS[0].expects("S4", LEAST_GROWTH) == "yes" and ROWS[0].expects("S4", LEAST_GROWTH - 1) == ANY
    assert ROWS[3].expects("S4", LEAST_GROWTH - 1) == "no"


def test_a_score_that_does_not_fall_is_found() -> None:
    result = right_result()
    level = {strength: result.graded[0.5] for strength in STRENGTHS}
    assert not replace(result, graded=level).holds


def test_instances_cover_formats_canvases_and_depths() -> None:
    ten = make_instances(10, 0)
    assert {one.token_format for one in ten} == {"edges", "unique_cells"} and {one.canvas for one in ten} == {5, 6}
    assert {one.rotate for one in ten} == {True, False} and {one.rounds for one in ten} == set(range(4, 11))
    assert len({one.seed for one in ten}) == 10
    assert {one.rounds for one in make_loop_instances(10, 0)} == set(range(5, 12))


@pytest.mark.slow
def test_one_instance_of_everything_is_judged_rightly() -> None:
    result = selftest(1, workers=0)
    assert not any(result.false_yes(name) for name in SCORES), matrix_values(result)["rows"]
    assert not result.missed("search"), matrix_values(result)["rows"]
