"""`maze-rl describe`: datasets of mazes read, measured and compared."""

from collections.abc import Callable, Iterator
from os import PathLike

from maze_rl.mazes.lattice import Maze, MazeCollection
from maze_rl.mazes.storage.store import StoredMazes, open_dataset
from maze_rl.mazes.summary import DatasetSummary, summarise
from maze_rl.reports.dataset_account import DatasetAccount, spread_evenly
from maze_rl.reports.dataset_figures import LARGEST_EXAMPLE, MOST_EXAMPLES
from maze_rl.reports.dataset_page import write_dataset_page
from maze_rl.workflows.distinct_names import distinct_names
from maze_rl.workflows.path_lists import OneOrMore, path_list

Progress = Callable[[str, float], None]
CHUNK = 2_000
"""Mazes read at a time."""


def describe(
    folders: OneOrMore, out: str | PathLike[str] | None = None, progress: Progress = lambda doing, done: None
) -> list[DatasetAccount]:
    """Read and measure datasets of mazes; write the page that describes or compares them.

    Args:
        folders: A folder, or several, that `maze-rl generate` wrote.
        out: The page, an .html file, its numbers go beside it as .json; None for none.
        progress: Called with (what, share done).

    Raises:
        MazeRLError: A folder is no dataset of mazes, or a maze in it is broken.
    """
    places = path_list("folders", folders)
    names = distinct_names([folder.resolve().parts[1:] for folder in places])
    accounts = [
        account_of(open_dataset(folder), name, str(folder), progress)
        for folder, name in zip(places, names, strict=True)
    ]
    if out is not None:
        write_dataset_page(accounts, out)
    return accounts


def account_of(mazes: StoredMazes, name: str, folder: str, progress: Progress) -> DatasetAccount:
    """Measure `mazes`, and read those that are shown as examples."""
    summary = summarise(_counted(mazes, name, progress))
    return DatasetAccount(
        name=name, folder=folder, card=mazes.card, summary=summary, examples=_examples(mazes, summary)
    )


def _counted(mazes: StoredMazes, name: str, progress: Progress) -> Iterator[MazeCollection]:
    seen = 0
    for chunk in mazes.chunks(CHUNK):
        yield chunk
        seen += len(chunk)
        progress(name, seen / len(mazes))


def _examples(mazes: StoredMazes, summary: DatasetSummary) -> dict[tuple[int, int], list[tuple[str, Maze]]]:
    drawn = [grid for grid in summary.grids if max(grid.rows, grid.cols) <= LARGEST_EXAMPLE]
    return {
        (grid.rows, grid.cols): [(rule, mazes[index]) for rule, index in grid.examples.items()]
        for grid in spread_evenly(drawn, MOST_EXAMPLES)
    }
