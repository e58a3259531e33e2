"""Ctrl-C in a real process: the run is saved, the message says how to go on, and going on works."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from maze_rl.workflows.run_folder import RunFolder

SETTINGS = "--sizes 4 --canvas 5 --steps 60 --batch-size 4 --layers 1 --d-model 16 --heads 2 --num 0 --device cpu"


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_resume(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "maze_rl", "train", *shlex.split(SETTINGS), "--out", "run"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = process.stderr.readline()  # training has taken its first step
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
