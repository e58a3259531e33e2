"""Ctrl-C in a real process: the run is saved, the message says how to go on, and going on works."""

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import maze_rl
from maze_rl.cli.main import run
from maze_rl.training.trainer import TrainingInterrupted
from maze_rl.workflows.run_folder import RunFolder

SETTINGS = "--sizes 4 --canvas 5 --steps 60 --batch-size 4 --layers 1 --d-model 16 --heads 2 --num 0 --device cpu"


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_resume(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "maze_rl", "train", *shlex.split(SETTINGS), "--out", "run"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = next(line for line in process.stderr if "training" in line)  # it has taken its first step
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=600)
    if process.returncode == 0:
        pytest.fail("the run ended before the interrupt arrived: use more steps")
    assert process.returncode == 130, first + errors
    match = re.search(r"saved at step (\d+) of 60\. To go on: maze-rl (.+)", errors)
    assert match is not None, errors
    assert "Traceback" not in errors
    resumed = subprocess.run(
        [sys.executable, "-m", "maze_rl", *shlex.split(match[2])], cwd=tmp_path, capture_output=True, text=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert [row["step"] for row in RunFolder(tmp_path / "run").read_metrics()] == list(range(1, 61))


TINY = {
    "steps": 6,
    "batch_size": 4,
    "layers": 1,
    "heads": 2,
    "d_model": 16,
    "loops": None,
    "canvas": 4,
    "num": 0,
    "device": "cpu",
    "starts": 0,
    "stray_tokens": 0,
}


def ctrl_c_at(stage: str, done: float) -> Callable[[str, float, dict], None]:
    """Return a progress hook that presses Ctrl-C once, when `stage` has got so far."""

    def hook(doing: str, share: float, numbers: dict) -> None:
        if doing == stage and share >= done and not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    pressed: list[bool] = []
    return hook


def test_ctrl_c_in_python_saves_and_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt) as stop:
        maze_rl.train("3..4", out="run", progress=ctrl_c_at("training", 0.5), **TINY)
    assert isinstance(stop.value, TrainingInterrupted)
    assert stop.value.step == 3
    assert not isinstance(stop.value, Exception)
    message = str(stop.value)
    assert message == "saved at step 3 of 6. To go on: maze_rl.train(resume=True, out='run')"
    assert stop.value._render_traceback_() == [message], "what IPython prints in place of a traceback"
    run = eval(message.partition("To go on: ")[2], {"maze_rl": maze_rl})
    assert run.steps == 6
    assert [row["step"] for row in RunFolder(tmp_path / "run").read_metrics()] == list(range(1, 7))


def test_ctrl_c_while_evaluating_keeps_the_trained_model(tmp_path: Path) -> None:
    with pytest.raises(TrainingInterrupted, match="trained to its end, step 6, and saved") as stop:
        maze_rl.train("4", out=tmp_path, progress=ctrl_c_at("evaluating", 0.0), **TINY | {"num": 2})
    assert stop.value.step == 6
    assert maze_rl.load_model(tmp_path).about["steps"] == 6
    assert not RunFolder(tmp_path).evaluation_path.exists()


def test_the_command_line_passes_on_what_an_interrupted_training_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def study(*_, **__) -> None:
        raise TrainingInterrupted(3, "saved at step 3 of 6. To go on: ...")

    monkeypatch.setattr("maze_rl.workflows.studies.run_study", study)
    assert run(["studies", "run", "calibration_tour"]) == 130
    assert capsys.readouterr().err == "maze-rl: saved at step 3 of 6. To go on: ...\n"


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_inside_a_compiled_kernel_is_ctrl_c(
    times: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python wraps an exception that is set while a kernel returns, and again where that kernel was called by one."""
    wrapped: BaseException = KeyboardInterrupt()
    for _ in range(times):
        outer = SystemError("<kernel> returned a result with an exception set")
        outer.__cause__ = wrapped
        wrapped = outer

    def study(*_, **__) -> None:
        raise wrapped

    monkeypatch.setattr("maze_rl.workflows.studies.run_study", study)
    assert run(["studies", "run", "calibration_tour"]) == 130
    assert capsys.readouterr().err == "maze-rl: stopped.\n"
    monkeypatch.setattr("maze_rl.workflows.studies.run_study", lambda *_, **__: (_ for _ in ()).throw(SystemError("x")))
    with pytest.raises(SystemError, match="x"):
        run(["studies", "run", "calibration_tour"])
