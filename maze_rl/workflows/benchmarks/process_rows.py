"""Rows measured from outside, on a process of their own: how soon it answers, how much memory it takes."""

import subprocess
import sys
import tempfile
from pathlib import Path

from maze_rl.workflows.benchmarks.rows import Lap, Row, Target, Trial, seconds

HEAVY = ("torch", "numba")
"""What must not be imported before it is needed."""
_MAZES_ON_DISK = 200_000
_HELP = ("-m", "maze_rl", "--help")
_IMPORT = ("-c", "import maze_rl")


def _start_up(arguments: tuple[str, ...], seed: int) -> Trial:
    heavy = imported_by(arguments, HEAVY)
    bare = min(seconds(Lap(lambda: _run("-c", "pass"))) for _ in range(3))
    fault = f"imports {' and '.join(heavy)}" if heavy else None
    detail = f"python {' '.join(arguments)}; the bare interpreter takes {bare:.2f} s"
    return Trial(lambda: seconds(Lap(lambda: _run(*arguments))), detail, fault)


def imported_by(arguments: tuple[str, ...], modules: tuple[str, ...]) -> list[str]:
    """Return which of `modules` the interpreter imports when started with `arguments`."""
    lines = _run("-X", "importtime", *arguments).stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines}
    return [module for module in modules if module in imported]


def _peak_memory(seed: int) -> Trial:
    return Trial(lambda: peak_megabytes(_MAZES_ON_DISK, seed), f"maze-rl generate, {_MAZES_ON_DISK} mazes of 10x10")


def peak_megabytes(num: int, seed: int) -> float:
    """Return the most memory, in MB (10^6 bytes), a process holds that writes `num` 10x10 mazes to disk."""
    with tempfile.TemporaryDirectory() as folder:
        module = "maze_rl.workflows.benchmarks.peak_memory"
        return float(_run("-m", module, str(num), str(seed), str(Path(folder) / "mazes")).stdout)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)


ROWS = (
    Row(
        name="maze-rl --help",
        against="the clock",
        prepare=lambda seed: _start_up(_HELP, seed),
        target=Target("<", 0.5),
        unit="s",
    ),
    Row(name="import maze_rl", against="the clock", prepare=lambda seed: _start_up(_IMPORT, seed), unit="s"),
    Row(
        name="memory: 200k 10x10 mazes to disk",
        against="peak resident MB of the process",
        prepare=_peak_memory,
        target=Target("<", 500),
        unit="MB",
        most_rounds=1,
    ),
)
