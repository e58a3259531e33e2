"""Ctrl-C ends every long command soon, with one line and status 130, and leaves whole files only."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])
SOON = 4.0
"""Seconds of its own time that a command may still take: the end of an interpreter with torch takes one."""
LONG = {
    "generate": ["generate", "--sizes", "20..30", "--num", "300000", "--out", "mazes"],
    "generate with workers": ["generate", "--sizes", "20..30", "--num", "300000", "--workers", "2", "--out", "mazes"],
    "evaluate": ["evaluate", "maze-5to9-cpu", "--num", "1000"],
    "search": ["search", "maze-5to9-causal"],
    "experiments run": ["experiments", "run", "baseline", "--out", "runs"],
    "pairs": ["train", "--start-from", "maze-5to9-cpu", "--steps", "0", "--rounds", "1", "--out", "run"],
}
WAIT = {"generate with workers": 6.0, "experiments run": 10.0}
"""Seconds of work, where a line of progress comes late or before the work."""


def interrupted(words: list[str], place: Path, wait: float) -> tuple[int, str, float]:
    """Run a command, interrupt it at its work; return its status, what it said then, and its own seconds after that."""
    command = [sys.executable, "-u", "-m", "maze_rl", *words]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    with (place / "said").open("w+") as said:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=said, stderr=said)
        try:
            return _interrupt(process, place / "said", wait)
        finally:
            process.kill()


def _interrupt(process: subprocess.Popen, said: Path, wait: float) -> tuple[int, str, float]:
    until = time.monotonic() + 60
    while not said.stat().st_size and not wait and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(wait or 0.5)
    assert process.poll() is None, said.read_text()
    before, begun = len(said.read_text()), processor_seconds(process.pid)
    process.send_signal(signal.SIGINT)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its times can still be read then
    seconds = processor_seconds(process.pid) - begun
    return process.wait(), said.read_text()[before:], seconds


def processor_seconds(pid: int) -> float:
    """Return what a process has used so far: on a busy machine time on the wall says nothing."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system tells no times of processes")
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
