"""Ctrl-C ends every long command soon, with one line and status 130, and leaves whole files only."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])
SOON = 6.0
"""Seconds; on an idle machine it takes two at most."""
LONG = {
    "generate": ["generate", "--sizes", "20..30", "--num", "300000", "--out", "mazes"],
    "generate with workers": ["generate", "--sizes", "20..30", "--num", "300000", "--workers", "2", "--out", "mazes"],
    "evaluate": ["evaluate", "maze-5to9-cpu", "--num", "1000"],
    "search": ["search", "maze-5to9-cpu"],
    "selftest": ["selftest"],
    "bench": ["bench", "--only", "generate"],
    "experiments run": ["experiments", "run", "baseline", "--out", "runs"],
    "experiments run here": ["experiments", "run", "baseline", "--workers", "0", "--out", "runs"],
    "studies run": ["studies", "run", "calibration_tour"],
    "pairs": ["train", "--start-from", "maze-5to9-cpu", "--steps", "0", "--rounds", "1", "--out", "run"],
}
WAIT = {"selftest": 12.0, "generate with workers": 6.0, "experiments run": 10.0}
"""Seconds of work, where a line of progress comes late or before the work."""


def interrupted(words: list[str], place: Path, wait: float) -> tuple[int, str, float]:
    """Run a command, interrupt it at its work; return its status, what it said after that, and the seconds it took."""
    command = [sys.executable, "-u", "-m", "maze_rl", *words]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    with (place / "said").open("w+") as said:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=said, stderr=said)
        until = time.monotonic() + 60
        while not (place / "said").stat().st_size and not wait and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(wait or 0.5)
        assert process.poll() is None, (place / "said").read_text()
        before, begun = len((place / "said").read_text()), time.monotonic()
        process.send_signal(signal.SIGINT)
        status = process.wait(timeout=120)
        return status, (place / "said").read_text()[before:], time.monotonic() - begun


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_ends_it_soon(name: str, tmp_path: Path) -> None:
    status, said, seconds = interrupted(LONG[name], tmp_path, WAIT.get(name, 0.0))
    assert status == 130, said
    told = [line for line in said.splitlines() if line and "%" not in line]
    assert len(told) == 1, said
    assert "stopped" in told[0] or "saved" in told[0]
    assert seconds < SOON
    halves = [path for path in tmp_path.rglob("*") if path.suffix == ".tmp"]
    assert halves == []
