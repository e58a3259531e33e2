"""Comparing runs on disk: what is read, what the target is, what is written."""

import csv
import json
import math
import re
import shutil
from pathlib import Path

import pytest

from maze_rl.errors import CheckpointError, ConfigurationError, UnknownNameError
from maze_rl.workflows.compare import collect, compare


def write_run(folder: Path, seed: int, tokens: int, loss: float, *, shortest: float | None = None) -> None:
    """A run's log and measures as files; the loss falls to `loss` over 20 steps."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"seed": seed, "training": {"loss": "path_only"}}))
    rows = [
        {"step": step, "loss": loss + 1 / step, "accuracy": step / 20, "tokens": tokens * step // 20}
        | {"cpu_seconds": step}
        | ({"validation_loss": loss + 1 / step, "validation_exact": step / 40} if step % 5 == 0 else {})
        for step in range(1, 21)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if shortest is not None:
        measures = {"rollouts": {"shortest@4": shortest / 2, "shortest@5": shortest}}
        (folder / "measures.json").write_text(json.dumps(measures))


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for arm, rates in (("control", (0.50, 0.52, 0.48)), ("arm", (0.61, 0.63, 0.59)), ("sham", (0.60, 0.64, 0.59))):
        for seed, rate in enumerate(rates):
            write_run(folder / arm / f"seed-{seed}", seed, 1000, 1 - rate, shortest=rate)
    record = {
        "name": "mine",
        "question": "Is it good?",
        "text": "Is it good?\n\nExpectation: yes.",
        "arms": ["arm", "control", "sham", "not_begun"],
        "control": "control",
        "shams": {"arm": "sham"},
        "judged": ["shortest@5"],
    }
    (folder / "experiment.json").write_text(json.dumps(record))
    return folder


def test_arms_meet_control_and_sham_and_the_page_says_it(experiment: Path) -> None:
    page = compare([experiment])
    text = page.read_text()
    assert "# mine: Is it good?" in text
    assert "| arm | control | 3 | 1.00 : 1 | +11.0 [+11.0 to +11.0]: better |" in text
    assert re.search(r"\| arm \| sham \| 3 \| 1.00 : 1 \| .+: no difference shown \|", text)
    numbers = json.loads((page.parent / "numbers.json").read_text())
    assert [row["arm"] for row in numbers["table"]] == ["arm", "control", "sham"]
    assert {"final_loss", "best_validation_loss", "cpu_seconds", "inference", "tokens"} <= numbers["table"][0].keys()
    for name in ("curves.png", "verdicts.png", "places.png"):
        assert (page.parent / name).read_bytes().startswith(b"\x89PNG")
        assert f"]({name})" in text


def test_the_target_is_the_longest_run_or_the_one_named(tmp_path: Path) -> None:
    for name, tokens in (("short", 500), ("long", 2000), ("middle", 1000)):
        write_run(tmp_path / name, 0, tokens, 0.5)
    folders = [tmp_path / name for name in ("short", "long", "middle")]
    assert collect(folders)[0].target.name == "long"
    assert collect(folders, "short")[0].target.name == "short"
    with pytest.raises(UnknownNameError, match="unknown target 'shrt'"):
        collect(folders, "shrt")


def test_where_all_are_as_long_the_target_is_the_control(experiment: Path) -> None:
    assert collect([experiment])[0].target.name == "control"


def test_the_difference_of_the_target_from_itself_is_zero(tmp_path: Path) -> None:
    for name, tokens in (("a", 1000), ("b", 700)):
        write_run(tmp_path / name, 0, tokens, 0.5)
    page = compare([tmp_path / "a", tmp_path / "b"], out=tmp_path / "out")
    with (page.parent / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    own = [row["minus_target"] for row in rows if row["arm"] == "a"]
    assert own
    assert set(own) == {"0"}
    other = [row for row in rows if row["arm"] == "b"]
    assert {float(row["tokens"]) <= 700 for row in other} == {True}
    assert any(row["minus_target"] not in ("", "0") for row in other)


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for parent in ("x", "y"):
        write_run(tmp_path / parent / "run", 0, 1000, 0.5)
    comparison, _ = collect([tmp_path / "x" / "run", tmp_path / "y" / "run"])
    assert [group.name for group in comparison.groups] == ["x/run", "y/run"]
    again, _ = collect([tmp_path / "x" / "run", tmp_path / "x" / "run"])
    assert [group.name for group in again.groups] == ["run", "run (2)"]


def test_several_experiments_name_their_arms_in_full(experiment: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "alone", 7, 1000, 0.5)
    comparison, _ = collect([experiment, tmp_path / "alone"])
    assert [group.name for group in comparison.groups] == ["mine/arm", "mine/control", "mine/sham", "alone"]
    assert comparison.pairs == []


def test_a_run_that_stopped_with_an_error_is_left_out_and_counted(experiment: Path) -> None:
    (experiment / "arm" / "seed-1" / "failure.txt").write_text("loss nan\n")
    comparison, _ = collect([experiment])
    arm = comparison.named("arm")
    assert (arm.seeds, arm.failed) == ([0, 2], 1)
    assert "1 run stopped with an error" in compare([experiment]).read_text()


def test_what_cannot_be_read_is_named(experiment: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="neither the folder of a run or an experiment"):
        compare([tmp_path / "nothing"])
    (experiment / "experiment.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"experiment.json: the file is truncated"):
        compare([experiment])


def test_experiments_of_one_name_are_told_apart(experiment: Path, tmp_path: Path) -> None:
    shutil.copytree(experiment, tmp_path / "again" / "mine")
    comparison, _ = collect([experiment, tmp_path / "again" / "mine"])
    names = [group.name for group in comparison.groups]
    assert names[0] == f"{tmp_path.name}/mine/arm" and names[3] == "again/mine/arm" and len(set(names)) == 6


def test_steps_without_a_loss_and_measures_that_are_no_numbers_are_read(tmp_path: Path) -> None:
    write_run(tmp_path / "run", 0, 1000, 0.5, shortest=0.5)
    log = tmp_path / "run" / "metrics.jsonl"
    last = '{"step": 21, "loss": null, "accuracy": null, "tokens": 1050, "cpu_seconds": 21}\n'
    log.write_text(log.read_text() + last)
    (tmp_path / "run" / "measures.json").write_text('{"own": {"depth": null}}')
    (only,) = collect([tmp_path / "run"])[0].groups[0].runs
    assert math.isnan(only.measures["depth"])
    page = compare([tmp_path / "run"], out=tmp_path / "out")
    (row,) = json.loads((page.parent / "numbers.json").read_text())["table"]
    assert row["final_loss"] == pytest.approx(0.55)
