"""The main job through the command line, tiny: train, evaluate, solve, report, export."""

import json
from pathlib import Path

import pytest

from maze_rl.cli.main import run

SHAPE = ["--steps", "6", "--batch-size", "8", "--layers", "1", "--d-model", "16", "--heads", "2", "--canvas", "6"]


@pytest.mark.slow
def test_train_evaluate_solve_report_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "x")
    trained = run(["train", "--sizes", "4..5", *SHAPE, "--num", "12", "--device", "cpu", "--out", folder, "--json"])
    assert trained == 0
    answer = json.loads(capsys.readouterr().out)
    assert Path(answer["report"]).is_file()
    assert [row["size"] for row in answer["rows"]] == [4, 5, 6]

    assert (
        run(["evaluate", folder, "--sizes", "5", "--num", "10", "--json", "--out", str(tmp_path / "a" / "e.json")]) == 0
    )
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert {"size", "num", "valid", "reaches", "shortest", "baseline_manhattan", "shortest_interval"} <= row.keys()
    assert (row["size"], row["num"], row["baseline_oracle"]) == (5, 10, 1.0)
    assert (tmp_path / "a" / "e.json").is_file()

    assert run(["solve", folder, "--size", "5", "--json"]) == 0
    assert "words" in json.loads(capsys.readouterr().out)
    assert run(["solve", folder, "--size", "5", "--out", str(tmp_path / "walk.svg")]) == 0
    assert (tmp_path / "walk.svg").read_text().lstrip().startswith("<?xml")

    assert run(["report", folder, folder, "--num", "12", "--out", str(tmp_path / "both"), "--json"]) == 0
    assert Path(json.loads(capsys.readouterr().out.splitlines()[-1])["report"]).is_file()
    assert run(["export", folder, "--out", str(tmp_path / "exported")]) == 0
    assert run(["report", str(tmp_path / "exported"), "--num", "12"]) == 0
    capsys.readouterr()
    assert run(["evaluate", folder, "--sizes", "7"]) == 2
    assert "canvas" in capsys.readouterr().err
