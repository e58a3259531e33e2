"""Mazes of one's own for a trained model: given, or read from a file; those it cannot take are refused by number."""

from os import PathLike
from pathlib import Path

import numpy as np

from maze_rl.configs.maze_files import READ
from maze_rl.configs.ranges import AnySize, AnySizes, check_squares, format_range
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.lattice import MazeBatch, MazeCollection, Mazes, as_collection
from maze_rl.mazes.selection import chosen_rows
from maze_rl.mazes.storage.store import StoredMazes
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.workflows.convert import load_mazes, read_tokens


def read_own(
    path: str | PathLike[str], tokenizer: str | Tokenization = "unique_cells", grid: AnySize | None = None
) -> MazeCollection | StoredMazes:
    """Read mazes from any file that `load_mazes` reads, or from token text whatever its suffix.

    Args:
        path: The file or dataset folder.
        tokenizer: What token text is written in.
        grid: Cells per side, or (rows, cols), of the mazes of token text: it does not tell.

    Raises:
        MazeRLError: The file cannot be read, or a maze in it is broken.
    """
    path = Path(path).expanduser()
    told = READ.keys() - {".txt"}  # what these suffixes promise is never token text
    if path.is_file() and path.suffix not in told and _is_token_text(path):
        return read_tokens(path, tokenizer, grid)
    return load_mazes(path, tokenizer=tokenizer, grid=grid)


def rows_from(mazes: MazeCollection | StoredMazes, index: int, num: int, name: str) -> range:
    """Return the numbers of `num` mazes from `index` on, fewer at the end; a negative `index` counts from there.

    Raises:
        MazeRLError: There is no such maze; names the file `name`.
    """
    try:
        (first,) = chosen_rows([index], len(mazes)).tolist()
    except IndexError as error:
        raise MazeRLError(f"{name}: {error}") from error
    return range(first, min(first + num, len(mazes)))


def suitable_by_size(
    mazes: Mazes | str | PathLike[str], tokenization: Tokenization, sizes: AnySizes | None, num: int | None
) -> dict[int, MazeBatch]:
    """Return mazes of one's own by their size, as an evaluation takes them.

    Args:
        mazes: Mazes, or a file that `read_own` reads.
        tokenization: The model's own.
        sizes: Take those of these sizes alone; None for all.
        num: Take the first so many of each size; None for all.

    Raises:
        MazeRLError: There is no maze of a size, or one does not suit the model; names the first such maze.
    """
    collection = as_collection(read_own(mazes, tokenization) if isinstance(mazes, str | PathLike) else mazes)
    if len(collection) == 0:
        raise ConfigurationError("mazes is empty: give at least one maze.")
    _refuse_unfit(collection, tokenization.canvas)
    found = {rows: batch for (rows, _), (_, batch) in collection.by_shape().items()}
    asked = tuple(found) if sizes is None else check_squares(sizes)
    for size in asked:
        if size not in found:
            raise ConfigurationError(f"size {size}: mazes has none; those it has are {format_range(tuple(found))}.")
    return {size: found[size][:num] for size in sorted(set(asked))}


def _refuse_unfit(mazes: MazeCollection, canvas: int) -> None:
    shapes = np.array([batch.shape for batch in mazes.batches])[mazes.batch_of]
    closed = np.empty(len(mazes), np.bool_)
    for number, batch in enumerate(mazes.batches):
        closed[mazes.indices_of(number)] = (batch.origins == batch.targets).all(axis=1)
    faults = {
        f"the model's canvas has {canvas} x {canvas} cells": shapes.max(axis=1) > canvas,
        "an evaluation is by size, of square mazes": shapes[:, 0] != shapes[:, 1],
        "its origin is its target, so that there is nothing to walk": closed,
    }
    unfit = np.any(list(faults.values()), axis=0)
    if unfit.any():
        first = int(np.argmax(unfit))
        why = next(why for why, where in faults.items() if where[first])
        rows, cols = shapes[first]
        raise ConfigurationError(
            f"maze {first} of {rows} x {cols} cells cannot be evaluated: {why}; leave out such mazes ({unfit.sum()})."
        )


def _is_token_text(path: Path) -> bool:
    """Tell whether a file begins as token text does, with a word in angle brackets."""
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"<")
