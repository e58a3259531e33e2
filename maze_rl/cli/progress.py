"""The progress of a command: as `maze_rl.workflows.progress` shows it, after the word that kernels are compiled."""

from collections.abc import Iterator
from contextlib import contextmanager

from maze_rl.cli.compiling import announce_compiling
from maze_rl.workflows.progress import Progress, shown


@contextmanager
def progress_bar(quiet: bool = False) -> Iterator[Progress]:
    """Yield a function that draws progress; one that draws nothing when `quiet`."""
    announce_compiling()
    with shown(not quiet) as bar:
        yield bar
