"""A progress bar with an estimate of the time left, and the newest numbers beside it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Bar = Callable[[str, float, dict[str, Any]], None]
_SHOWN = (("loss", "loss {:.3f}"), ("validation_exact", "validation exact {:.2f}"))


@contextmanager
def progress_bar(quiet: bool = False) -> Iterator[Bar]:
    """Yield a function (what, share done, numbers) that draws on the error stream; nothing when `quiet`.

    Where the error stream is no terminal, a line is printed for every twentieth of the work.
    """
    if quiet:
        yield lambda what, done, numbers: None
    elif not sys.stderr.isatty():
        yield _plain_lines()
    else:
        with _rich_bar() as bar:
            yield bar


def _plain_lines() -> Bar:
    seen: set[tuple[str, int]] = set()
    newest: dict[str, Any] = {}

    def say(what: str, done: float, numbers: dict[str, Any]) -> None:
        newest.update(numbers)
        mark = (what, int(done * 20))
        if mark not in seen:
            seen.add(mark)
            print(f"{what}: {done:.0%} {_describe(newest) if numbers else ''}".rstrip(), file=sys.stderr, flush=True)

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
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[numbers]}"),
    )  # fmt: skip
    tasks: dict[str, Any] = {}
    newest: dict[str, Any] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def say(what: str, done: float, numbers: dict[str, Any]) -> None:
            newest.update(numbers)
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=1.0, numbers="")
            progress.update(tasks[what], completed=done, numbers=_describe(newest) if numbers else "")

        yield say


def _describe(numbers: dict[str, Any]) -> str:
    return "  ".join(text.format(numbers[name]) for name, text in _SHOWN if name in numbers)
