"""A progress bar with an estimate of the time left, and the newest numbers beside it."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from maze_rl.cli.compiling import announce_compiling

Bar = Callable[[str, float, dict[str, Any]], None]
"""(stage, share of the stage that is done, numbers): numbers stay shown until newer ones come."""
_SHOWN = (("loss", "loss {:.3f}"), ("validation_exact", "validation exact {:.2f}"), ("doing", "{}"))


@contextmanager
def progress_bar(quiet: bool = False) -> Iterator[Bar]:
    """Yield a function that draws progress on the error stream; nothing when `quiet`.

    Where the error stream is no terminal, a line is printed for every twentieth of a stage.
    """
    announce_compiling()
    if quiet:
        yield lambda stage, done, numbers: None
    elif not sys.stderr.isatty():
        yield _plain_lines()
    else:
        with _rich_bar() as bar:
            yield bar


def _plain_lines() -> Bar:
    started: dict[str, float] = {}
    printed: set[tuple[str, int]] = set()
    newest: dict[str, dict[str, Any]] = defaultdict(dict)

    def say(stage: str, done: float, numbers: dict[str, Any]) -> None:
        newest[stage].update(numbers)
        elapsed = time.monotonic() - started.setdefault(stage, time.monotonic())
        mark = (stage, int(done * 20))
        if mark in printed:
            return
        printed.add(mark)
        left = f", {_clock(elapsed * (1 - done) / done)} left" if 0 < done < 1 and elapsed > 1 else ""
        print(f"{stage}: {done:.0%}{left}  {_describe(newest[stage])}".rstrip(), file=sys.stderr, flush=True)

    return say


@contextmanager
def _rich_bar() -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(24), TaskProgressColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False), TextColumn("left"), TextColumn("{task.fields[numbers]}"),
    )  # fmt: skip
    tasks: dict[str, Any] = {}
    newest: dict[str, dict[str, Any]] = defaultdict(dict)
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=120) as progress:

        def say(stage: str, done: float, numbers: dict[str, Any]) -> None:
            newest[stage].update(numbers)
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=1.0, numbers="")
            progress.update(tasks[stage], completed=done, numbers=_describe(newest[stage]))

        yield say


def _describe(numbers: dict[str, Any]) -> str:
    return "  ".join(text.format(numbers[name]) for name, text in _SHOWN if name in numbers)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
