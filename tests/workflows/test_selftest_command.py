"""The commands selftest and studies: what they refuse, and what they print."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from maze_rl.calibration import selftest as selftest_module
from maze_rl.calibration.judged import ALL_ROWS, Judged
from maze_rl.calibration.looped_zoo import LOOP_ROWS, make_loop_instances
from maze_rl.calibration.selftest import SelfTest
from maze_rl.calibration.zoo import ROWS, STRENGTHS, ZooRow, make_instances
from maze_rl.cli.main import run
from maze_rl.interp.finding import Finding
from maze_rl.intervals import Interval


def fake(wrong: str = "") -> SelfTest:
    def judged(row: ZooRow, value: float) -> Judged:
        finding = Finding(name="", effect=Interval(value, value, value), threshold=0.5, num_mazes=50)
        scores = [name for name in row.expected if name != "search"]
        return Judged(
            row=row.name,
            instance=(make_loop_instances if row in LOOP_ROWS else make_instances)(1, 0)[0],
            findings=dict.fromkeys(scores, finding),
            verdicts={name: "no" if row.name == wrong else says for name, says in row.expected.items()},
            holds=row.holds[0],
        )

    rows = [judged(row, 1.0) for row in ALL_ROWS.values()]
    graded = {strength: [replace(judged(ROWS[0], 1.0 - strength), row="N5 ablated")] for strength in STRENGTHS}
    return SelfTest(judged=rows, graded=graded)


@pytest.mark.parametrize("flags", [["--instances", "0"], ["--workers", "-1"]])
def test_numbers_out_of_range_are_refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", *flags]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_exit_status_tells_whether_all_is_right(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(selftest_module, "selftest", lambda *_, **__: fake())
    assert run(["selftest"]) == 0
    printed = capsys.readouterr().out
    assert "the self-test holds" in printed and "N8 looped decoy" in printed and "falls at every step" in printed
    monkeypatch.setattr(selftest_module, "selftest", lambda *_, **__: fake(wrong="H1 wave"))
    assert run(["selftest", "--json"]) == 1
    values = json.loads(capsys.readouterr().out)
    assert not values["holds"] and values["rows"][0]["cells"]["S1"]["wrong"] == 1


def test_scores_that_are_no_numbers_are_null_and_said_not_to_be_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    cut = {strength: [replace_effects(each) for each in judged] for strength, judged in fake().graded.items()}
    monkeypatch.setattr(selftest_module, "selftest", lambda *_, **__: SelfTest(judged=fake().judged, graded=cut))
    assert run(["selftest", "--out", str(tmp_path / "scores.json")]) == 1
    assert "0 %: not measured" in capsys.readouterr().out
    assert run(["selftest", "--json"]) == 1
    for text in (capsys.readouterr().out, (tmp_path / "scores.json").read_text()):
        assert "NaN" not in text and json.loads(text)["graded"][0]["score"] is None


def replace_effects(judged: Judged) -> Judged:
    """Return a model of which nothing could be measured."""
    nothing = Interval(*[float("nan")] * 3)
    findings = {name: replace(finding, effect=nothing) for name, finding in judged.findings.items()}
    return replace(judged, findings=findings)


def test_studies_are_listed_with_their_questions(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["studies", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 6 and all(line.rstrip().endswith("?") for line in lines)


def test_a_study_that_builds_its_own_models_refuses_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["studies", "run", "calibration_tour", "--run", "maze-5to9-causal"]) == 2
    assert "takes no run" in capsys.readouterr().err
    assert run(["studies", "run"]) == 2
    assert run(["studies", "run", "calibration_tou"]) == 2
    assert "Did you mean 'calibration_tour'" in capsys.readouterr().err
