"""The self-test: its gates can fail, and one instance of everything passes them."""

from dataclasses import replace

import pytest

from maze_rl.calibration.confusion_matrix import matrix_values
from maze_rl.calibration.selftest import Judged, SelfTest, selftest
from maze_rl.calibration.zoo import ROWS, SCORES, STRENGTHS, instances
from maze_rl.interp.finding import Finding
from maze_rl.intervals import Interval

INSTANCE = instances(1)[0]


def judged(row: str, verdicts: dict[str, str], effect: float = 1.0) -> Judged:
    finding = Finding(name="", effect=Interval(effect, effect, effect), threshold=0.5, num_mazes=50)
    holds = next((each.holds for each in ROWS if each.name == row), "nothing")
    return Judged(
        row=row, instance=INSTANCE, findings=dict.fromkeys(SCORES[:-1], finding), verdicts=verdicts, holds=holds
    )


def right_result() -> SelfTest:
    rows = [judged(row.name, {name: "yes" if row.expected[name] == "yes" else "no" for name in SCORES}) for row in ROWS]
    graded = {strength: [judged("N5 ablated", dict.fromkeys(SCORES, "no"), 1 - strength)] for strength in STRENGTHS}
    return SelfTest(judged=rows, graded=graded)


def test_a_right_result_is_all_right() -> None:
    result = right_result()
    values = matrix_values(result)
    assert result.all_right and values["all_right"] and len(values["rows"]) == len(ROWS)
    assert values["graded"][0] == {"cut": 0.0, "score": 1.0}


@pytest.mark.parametrize("score", SCORES[1:])
def test_one_wrong_verdict_is_enough(score: str) -> None:
    result = right_result()
    fooled = next(one for one in result.judged if one.row == "N2 greedy")
    others = [one for one in result.judged if one is not fooled]
    for said in ("yes", "unclear") if score != "search" else ("yes",):
        wrong = replace(fooled, verdicts={**fooled.verdicts, score: said})
        assert not replace(result, judged=[*others, wrong]).all_right
    missed = next(one for one in result.judged if one.row == "H1 wave")
    others = [one for one in result.judged if one is not missed]
    assert not replace(
        result, judged=[*others, replace(missed, verdicts={**missed.verdicts, score: "unclear"})]
    ).all_right


def test_what_is_held_must_be_named() -> None:
    result = right_result()
    filling = next(one for one in result.judged if one.row == "H3 filling")
    others = [one for one in result.judged if one is not filling]
    assert not replace(result, judged=[*others, replace(filling, holds="distances to the target")]).all_right


def test_a_score_that_does_not_fall_is_found() -> None:
    result = right_result()
    level = {strength: result.graded[0.5] for strength in STRENGTHS}
    assert not replace(result, graded=level).all_right


def test_instances_cover_formats_canvases_and_depths() -> None:
    ten = instances(10)
    assert {one.token_format for one in ten} == {"edges", "unique_cells"} and {one.canvas for one in ten} == {4, 5}
    assert {one.rotate for one in ten} == {True, False} and len({one.n_layers for one in ten}) > 1
    assert max(one.n_layers for one in ten) <= 12 and len({one.seed for one in ten}) == 10


@pytest.mark.slow
def test_one_instance_of_everything_is_judged_rightly() -> None:
    result = selftest(1, workers=0)
    assert result.all_right, matrix_values(result)["rows"]
