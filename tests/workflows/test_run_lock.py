"""Two processes never train in one folder at a time."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from maze_rl.cli.main import run
from maze_rl.errors import ConfigurationError
from maze_rl.workflows.run_folder import RunFolder
from maze_rl.workflows.run_lock import held_alone

TINY = [
    "--sizes",
    "3..4",
    "--canvas",
    "5",
    "--layers",
    "1",
    "--loops",
    "2",
    "--d-model",
    "16",
    "--heads",
    "2",
    "--batch-size",
    "4",
]
HOLD = """
import sys, time
from pathlib import Path
from maze_rl.workflows.run_lock import held_alone
with held_alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(ConfigurationError, match="another process is training in it")
    with held_alone(tmp_path), refused, held_alone(tmp_path):
        pass
    with held_alone(tmp_path):
        assert list(tmp_path.iterdir()) == [], "a lock leaves no file behind"


def test_a_kill_lets_go(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ConfigurationError), held_alone(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with held_alone(tmp_path):
        pass


def test_a_run_that_is_being_trained_is_not_resumed_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", *TINY, "--device", "cpu", "--steps", "2", "--num", "0", "--out", "run"]) == 0
    capsys.readouterr()
    again = ["train", "--resume", "--steps", "3", "--num", "0", "--out", "run"]
    with held_alone(Path("run")):
        assert run(again) == 2
    assert "run: another process is training in it" in capsys.readouterr().err
    assert [row["step"] for row in RunFolder("run").read_metrics()] == [1, 2]
    assert run(again) == 0
    assert [row["step"] for row in RunFolder("run").read_metrics()] == [1, 2, 3]
