"""The script on a text made here: its table, the shams, applied agents, our own controllers, faults."""

import csv
import runpy
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maze_rl.errors import MazeRLError

SCRIPT = Path(__file__).parents[1] / "experiments" / "char_text_learning_rate.py"
TINY = shlex.split(
    "--iterations 40 --batch 4 --block 12 --layers 1 --heads 2 --width 16 --warmup 4 --eval-every 8 --eval-batches 1 "
    "--samples 1 --sample-tokens 5"
)


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("char_text_learning_rate")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    words = np.random.default_rng(0).choice(["the", "walls", "turn", "left", "and", "end"], 2000)
    file = tmp_path_factory.mktemp("text") / "input.txt"
    file.write_text(" ".join(words))
    return str(file)


def losses(results: list[Any]) -> tuple[float, ...]:
    return tuple(loss for result in results for loss in result.columns[:2])


def test_shams_equal_the_cosine_at_their_base_rate(script: Any, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    results = script.main([text, "--runs", "0", "1", "2", "4", *TINY])
    printed = capsys.readouterr().out.splitlines()
    for column in ("final train loss", "best val loss", "train time s", "inference tok/s"):
        assert column in printed[0]
    assert [line.split("  ")[0] for line in printed[1:]] == ["run 0", "run 1", "run 2", "run 4"]
    doubled = script.main([text, "--controllers", "none", "--rate", "2e-3", *TINY])["none"]
    assert losses(results["run 0"]) == losses(results["run 1"])
    assert losses(results["run 2"]) == losses(results["run 4"]) == losses(doubled)
    assert losses(results["run 0"]) != losses(results["run 2"])
    decisions = results["run 4"][0].decisions
    assert [decision["step"] for decision in decisions] == [0, 8, 16, 24, 32, 40]
    assert decisions[0]["reward"] == 1e9
    assert decisions[0]["learning_rate"] == 0


def test_an_applied_agent_reaches_the_optimizer(script: Any, text: str) -> None:
    applied = script.main([text, "--runs", "1", "--applied", *TINY])["run 1 applied"]
    sham = script.main([text, "--runs", "1", *TINY])["run 1"]
    assert losses(applied) != losses(sham)
    assert any(decision["multiplier"] != 1 for decision in applied[0].decisions)


def test_our_controllers_run_and_their_tokens_are_counted(script: Any, text: str) -> None:
    results = script.main([text, "--controllers", "q_learning:every=5", "sham:every=5", *TINY])
    assert losses(results["q_learning:every=5"]) == pytest.approx(losses(results["sham:every=5"]), abs=0.5)
    tried = results["q_learning:every=5"][0]
    assert tried.columns[4] == len(tried.decisions) * 4 * 12
    assert results["sham:every=5"][0].columns[4] == len(results["sham:every=5"][0].decisions) * 4 * 12


def test_two_runs_are_equal_and_seeds_differ(script: Any, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (script.main([text, "--runs", "0", "--seeds", "0", "1", *TINY])["run 0"] for _ in range(2))
    assert losses(first) == losses(second)
    assert first[0].columns[0] != first[1].columns[0]
    assert "±" in capsys.readouterr().out


def test_figures_and_curves_are_written(script: Any, text: str, tmp_path: Path) -> None:
    flags = ["--runs", "0", "2", "--like", "enwik8", "--seeds", "0", "3", "--out", str(tmp_path / "new"), *TINY]
    results = script.main([text, *flags])
    names = {"train_loss_enwik8.png", "val_loss_enwik8.png", "curves_enwik8.csv"}
    assert {path.name for path in (tmp_path / "new").iterdir()} == names
    with open(tmp_path / "new" / "curves_enwik8.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for label, runs in results.items():
        for seed, run in zip((0, 3), runs, strict=True):
            mine = [row for row in rows if (row["controller"], row["seed"]) == (label, str(seed))]
            assert [int(row["step"]) for row in mine] == [0, 8, 16, 24, 32, 40]
            assert min(float(row["val_loss"]) for row in mine) == run.columns[1]
            assert mine[0]["train_loss"] == ""
            assert all(float(row["train_loss"]) > 0 for row in mine[1:])
    rates = [float(row["learning_rate"]) for row in rows[:6]]
    assert rates == pytest.approx(
        [
            5e-4 * script.cosine(script.replace(script.ORIGINAL["enwik8"], iterations=40, warmup=4))(step)
            for step in range(0, 41, 8)
        ]
    )
    (axes,) = script.curves_figure(results, "val_loss").axes
    assert [line.get_label() for line in axes.lines] == ["run 0", "run 2"]
    means = np.mean([[row["val_loss"] for row in run.curve] for run in results["run 2"]], axis=0)
    assert axes.lines[1].get_ydata() == pytest.approx(means)


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--iterations", "0"], "--iterations is 0: at least 1"),
        (["--width", "10", "--heads", "4"], "--width 10 is no multiple of --heads 4"),
        (["--validation", "0.5"], "--validation is 0.5: above 0 and at most 0.1"),
        (["--rate", "nan"], "--rate"),
        (["--runs", "0", "--controllers", "qlearning"], "Did you mean 'q_learning'"),
        (["--device", "tpu9"], "tpu9"),
        (["--out", str(SCRIPT)], "is a file: name a folder"),
    ],
)
def test_arguments_are_checked_before_anything_is_trained(
    script: Any, text: str, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MazeRLError, match=said):
        script.main([text, *TINY, *flags])
    assert capsys.readouterr().out == ""


def test_settings_of_the_original_are_the_defaults(script: Any) -> None:
    shakespeare, enwik8 = script.ORIGINAL["shakespeare_char"], script.ORIGINAL["enwik8"]
    assert (shakespeare.iterations, shakespeare.batch, shakespeare.rate, shakespeare.eval_every) == (
        5000,
        64,
        1e-3,
        250,
    )
    assert (enwik8.iterations, enwik8.batch, enwik8.rate, enwik8.eval_every) == (100_000, 32, 5e-4, 1000)
    assert [round(script.cosine(shakespeare)(step), 6) for step in (0, 50, 100, 5000)] == [0, 0.5, 1, 0.1]


def test_runs_as_a_script_and_names_a_missing_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "gone.txt", "--run", "0"])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert capsys.readouterr().err.startswith("gone.txt: there is no such file")
