"""Rows measured from outside, on a process of their own: how soon it answers, how much memory it takes."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from maze_rl.workflows.benchmarks.rows import Lap, Row, Target, Trial, seconds

HEAVY = ("torch", "numba")
"""What must not be imported before it is needed."""
_MAZES_ON_DISK, _WORKERS = 1_000_000, 2
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


def _writing(what: str) -> Callable[[int], Trial]:
    detail = f"maze-rl generate --sizes 10 --num {_MAZES_ON_DISK} --workers {_WORKERS}: generated, solved, read back"
    return lambda seed: Trial(lambda: write_mazes(_MAZES_ON_DISK, seed, _WORKERS)[what], detail)


@lru_cache(maxsize=1)
def write_mazes(num: int, seed: int, workers: int) -> dict[str, float]:
    """Write `num` 10x10 mazes to disk once, in a process of its own.

    Returns:
        `seconds`, and the most memory in MB (10^6 bytes) that the `parent` and any one `worker` held.
    """
    with tempfile.TemporaryDirectory() as folder:
        module = "maze_rl.workflows.benchmarks.peak_memory"
        return json.loads(_run("-m", module, str(num), str(seed), str(workers), str(Path(folder) / "mazes")).stdout)


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
        name="one million 10x10 mazes to disk, two workers",
        against="the clock",
        prepare=_writing("seconds"),
        unit="s",
        most_rounds=1,
    ),
    Row(
        name="memory of that, parent",
        against="peak resident MB",
        prepare=_writing("parent"),
        target=Target("<", 500),
        unit="MB",
        most_rounds=1,
    ),
    Row(
        name="memory of that, each worker",
        against="peak resident MB",
        prepare=_writing("worker"),
        unit="MB",
        most_rounds=1,
    ),
)
