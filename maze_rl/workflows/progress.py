"""Progress with an estimate of the time left, and the newest numbers beside it: in terminals, notebooks and logs."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Progress = Callable[[str, float, dict[str, Any]], None]
"""(stage, share of the stage that is done, numbers): numbers stay shown until newer ones come."""
_SHOWN = (("loss", "loss {:.3f}"), ("validation_exact", "validation exact {:.2f}"), ("doing", "{}"))
_CELLS = 24
"""Characters of a bar in a notebook."""
_PAUSE = 0.2
"""Seconds between two drawings in a notebook, at least: each is a message to the browser."""
_drawing: list[Progress] = []
"""What draws at the moment: one at most."""


@contextmanager
def shown(progress: Progress | bool | None) -> Iterator[Progress]:
    """Yield what to tell of progress: one's own function as it is; for True, what `progress_bar` yields."""
    if callable(progress):
        yield progress
    else:
        with progress_bar(quiet=not progress) as bar:
            yield bar


@contextmanager
def progress_bar(quiet: bool = False) -> Iterator[Progress]:
    """Yield a function that draws progress on the error stream, or in a notebook's cell; nothing when `quiet`.

    Where the error stream is no terminal, a line is printed for every twentieth of a stage. Inside work whose progress
    is drawn already, nothing more is drawn.
    """
    if quiet or _drawing:
        yield lambda stage, done, numbers: None
        return
    with _bar() as bar:
        _drawing.append(bar)
        try:
            yield bar
        finally:
            _drawing.pop()


@contextmanager
def _bar() -> Iterator[Progress]:
    if _in_notebook():
        yield _notebook_lines()
    elif not sys.stderr.isatty():
        yield _plain_lines()
    else:
        with _rich_bar() as bar:
            yield bar


def _in_notebook() -> bool:
    """Tell whether a Jupyter kernel runs this: its shell has one, that of a terminal has none."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _notebook_lines() -> Progress:
    """Return what draws a line for each stage, again and again in its place.

    rich's own bar would need ipywidgets there; replacing an output needs nothing.
    """
    from IPython.display import display  # pyright: ignore[reportMissingImports]

    lines: dict[str, Any] = {}
    drawn: dict[str, float] = {}
    started: dict[str, float] = {}
    newest: dict[str, dict[str, Any]] = defaultdict(dict)

    def say(stage: str, done: float, numbers: dict[str, Any]) -> None:
        now = time.monotonic()
        newest[stage].update(numbers)
        if stage in lines and done < 1 and now - drawn[stage] < _PAUSE:
            return
        drawn[stage] = now
        full = int(done * _CELLS)
        bar = "█" * full + "░" * (_CELLS - full)
        text = f"{stage} {bar} {_counted(done, now - started.setdefault(stage, now), newest[stage])}"
        if stage in lines:
            lines[stage].update({"text/plain": text}, raw=True)
        else:
            lines[stage] = display({"text/plain": text}, raw=True, display_id=True)

    return say


def _plain_lines() -> Progress:
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
        sys.stderr.write(f"{stage}: {_counted(done, elapsed, newest[stage])}\n")
        sys.stderr.flush()

    return say


def _counted(done: float, elapsed: float, numbers: dict[str, Any]) -> str:
    """Write the share done, the time left and the newest numbers."""
    left = f", {_clock(elapsed * (1 - done) / done)} left" if 0 < done < 1 and elapsed > 1 else ""
    return f"{done:.0%}{left}  {_describe(numbers)}".rstrip()


@contextmanager
def _rich_bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import (
        Progress as Bars,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False),
        TextColumn("left"),
        TextColumn("{task.fields[numbers]}", markup=False),
    )
    tasks: dict[str, Any] = {}
    newest: dict[str, dict[str, Any]] = defaultdict(dict)
    with Bars(*columns, console=Console(stderr=True), speed_estimate_period=120) as progress:

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
