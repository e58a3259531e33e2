"""`maze-rl convert`: mazes from one kind of file to another, theirs and ours."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path

import numpy as np

from maze_rl.configs.maze_files import (
    FORMATS,
    check_readable,
    format_to_read,
    format_to_write,
)
from maze_rl.configs.ranges import AnySize, grid_of
from maze_rl.configs.tokenization import LARGEST_CANVAS, TokenizationConfig
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.interchange.archive import read_archive, write_archive
from maze_rl.mazes.interchange.ascii import draw_ascii
from maze_rl.mazes.interchange.cell_grids import draw_cell_grid
from maze_rl.mazes.interchange.drawings import read_drawings
from maze_rl.mazes.interchange.drawn_text import decode_text
from maze_rl.mazes.interchange.images import read_image, write_image
from maze_rl.mazes.interchange.maze_hard import from_maze_hard, to_maze_hard
from maze_rl.mazes.interchange.parquet import read_parquet, write_parquet
from maze_rl.mazes.interchange.whole_files import written_whole
from maze_rl.mazes.interchange.zanj import read_zanj
from maze_rl.mazes.lattice import Maze, MazeCollection, Mazes, as_collection, collect
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.storage.dataset_writer import write_mazes
from maze_rl.mazes.storage.store import StoredMazes, open_dataset
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization
from maze_rl.workflows.show import draw_picture, shown_mazes

_MOST_DRAWN = 100
"""Mazes in a picture at most."""
_MAY_BE_EMPTY = ("npz", "parquet")
"""Formats that are read back where they hold no maze."""


def load_mazes(
    path: str | PathLike[str],
    *,
    format: str | None = None,
    tokenizer: str | Tokenization = "unique_cells",
    grid: AnySize | None = None,
) -> MazeCollection | StoredMazes:
    """Read mazes from a dataset folder or a file of any kind.

    Args:
        path: The folder or file.
        format: What it holds, if its suffix does not say so: one of `maze_rl.configs.maze_files.FORMATS`. Drawings in a
            ``.txt`` are read as they look; `walls`, `cells` and `flat` choose one reading for all of them.
        tokenizer: What a `.tokens` file is written in.
        grid: Cells per side, or (rows, cols), of the mazes of a `.tokens` file: the text does not tell.

    Returns:
        A dataset stays on disk (`StoredMazes`); all else is in memory. Both have a length, `[i]` and iteration.

    Raises:
        MazeRLError: There is no such file, it is damaged or of no known kind, or a maze in it is broken.
    """
    path = Path(path).expanduser()
    check_readable(path, grid is not None, format)
    chosen = format_to_read(path, format)
    if (chosen == "dataset") != path.is_dir():
        raise MazeRLError(f"{path}: is a {'folder' if path.is_dir() else 'file'}, not {FORMATS[chosen]}.")
    if chosen == "tokens":
        return read_tokens(path, tokenizer, grid)
    if chosen == "maze_hard":
        return _from_text(path, from_maze_hard)
    if chosen in ("text", "walls", "cells", "flat"):
        return _from_text(path, lambda text: read_drawings(text, None if chosen == "text" else chosen))
    readers: dict[str, Callable[[Path], MazeCollection | StoredMazes]] = {
        "dataset": open_dataset,
        "parquet": read_parquet,
        "npz": read_archive,
        "zanj": lambda file: read_zanj(file).mazes,
        "pixels": lambda file: MazeCollection.from_batch(read_image(file).as_batch()),
    }
    return readers[chosen](path)


def read_tokens(path: str | PathLike[str], tokenizer: str | Tokenization, grid: AnySize | None) -> MazeCollection:
    """Read token text, one maze a line; the arguments are those of `load_mazes`.

    Raises:
        MazeRLError: `grid` is missing, or a line is no maze.
    """
    path = Path(path).expanduser()
    if grid is None:
        raise ConfigurationError(f"{path}: token text does not tell the size of its mazes: give it, as --grid 5.")
    shape = grid_of("grid", grid)
    writes = _large_enough(tokenizer, max(shape))

    def read(text: str) -> list[Maze]:
        mazes: list[Maze] = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    mazes.append(_from_line(line, writes, shape))
                except MazeRLError as error:
                    raise MazeRLError(f"maze {len(mazes) + 1}: line {number}: {error}") from error
        return mazes

    return _from_text(path, read)


def _from_line(line: str, writes: Tokenization, shape: tuple[int, int]) -> Maze:
    """Read a maze at the corner of the canvas, where `save_mazes` puts it, else where its cells say it lies."""
    try:
        return writes.from_text(line, shape, (0, 0))
    except MazeRLError:
        if not writes.config.random_offsets:
            raise
        return writes.from_text(line, shape)


def _from_text(path: Path, read: Callable[[str], list[Maze]]) -> MazeCollection:
    try:
        text = decode_text(path.read_bytes())
    except (OSError, UnicodeError) as error:
        raise MazeRLError(f"{path}: is no text that can be read ({error}).") from error
    try:
        mazes = read(text)
    except MazeRLError as error:
        raise type(error)(f"{path}, {error}") from error
    if not mazes:
        raise MazeRLError(f"{path}: holds no mazes.")
    return collect(mazes)


def save_mazes(
    mazes: Mazes,
    out: str | PathLike[str],
    *,
    format: str | None = None,
    tokenizer: str | Tokenization = "unique_cells",
    source: str = "a program",
    seed: int = 0,
) -> Path:
    """Write mazes to a dataset folder or a file.

    Args:
        mazes: What to write: mazes as they were read or generated, one `Maze`, or a list.
        out: Where to; a name that ends with / is a folder whatever its suffix.
        format: What to write, if the suffix of `out` does not say so: one of `maze_rl.configs.maze_files.FORMATS`. A
            ``.png`` or ``.svg`` is a picture for people, with a shortest path, of one maze or several; ``.pixels.png``
            is the image that is read back.
        tokenizer: What a `.tokens` file is written in; each maze at the corner of the canvas, with one of its
            shortest paths.
        source: Where the mazes are from, for the card of a dataset.
        seed: Seed of edge order and choice of path in token text.

    Raises:
        MazeRLError: The kind is unknown, cannot show such mazes, so many or none, or the disk refuses.
    """
    if not isinstance(mazes, StoredMazes):
        mazes = as_collection(mazes)
    chosen = format_to_write(out, format)
    out = Path(out).expanduser()
    if len(mazes) == 0 and chosen not in _MAY_BE_EMPTY:
        raise ConfigurationError(f"{out}: there is no maze to write: give at least one.")
    if chosen == "dataset":
        return write_mazes(mazes, out, source)
    if chosen == "parquet":
        return write_parquet(out, mazes)
    if chosen == "picture":
        return _picture(mazes, out)
    whole = mazes.all() if isinstance(mazes, StoredMazes) else mazes
    if chosen == "npz":
        return write_archive(out, whole)
    if chosen == "pixels":
        if len(whole) != 1:
            raise ConfigurationError(f"{out}: an image in pixels holds one maze, not {len(whole)}: use .npz or .txt.")
        return write_image(out, whole[0])
    text = _text(whole, chosen, tokenizer, seed)
    with written_whole(out) as file:
        file.write(text.encode())
    return out


def _text(mazes: MazeCollection, chosen: str, tokenization: str | Tokenization, seed: int) -> str:
    """Return mazes as the text of a file."""
    if chosen == "tokens":
        return _tokens(mazes, tokenization, seed)
    if chosen == "maze_hard":
        return to_maze_hard(mazes)
    drawings: list[str] = []
    for number, maze in enumerate(mazes, 1):
        try:
            drawings.append(_drawing(maze, chosen))
        except MazeRLError as error:
            raise ConfigurationError(f"maze {number}: {error}") from error
    return ("\n" if chosen == "flat" else "\n\n").join(drawings) + "\n"


def _drawing(maze: Maze, chosen: str) -> str:
    if chosen == "cells":
        return draw_cell_grid(maze)
    if chosen == "flat":
        if maze.shape[0] != maze.shape[1]:
            raise MazeRLError(f"is {maze.shape[0]} x {maze.shape[1]}: a flat grid is square; write .cells.txt.")
        return draw_cell_grid(maze).replace("\n", "")
    if maze.origin == maze.target:
        raise MazeRLError(f"a drawing cannot show a maze whose origin is its target, {maze.origin}.")
    return draw_ascii(maze)


def _picture(mazes: MazeCollection | StoredMazes, out: Path) -> Path:
    if out.suffix.lower() not in (".png", ".svg"):
        raise ConfigurationError(f"{out}: pictures are .png or .svg files.")
    if not 1 <= len(mazes) <= _MOST_DRAWN:
        raise ConfigurationError(f"{out}: a picture of {len(mazes):,} mazes: give 1 to {_MOST_DRAWN} of them.")
    draw_picture(shown_mazes(mazes), ("solution",), out)
    return out


def _tokens(mazes: MazeCollection, tokenizer: str | Tokenization, seed: int) -> str:
    writes = _large_enough(tokenizer, max((max(batch.shape) for batch in mazes.batches), default=0))
    writes = writes.with_options(random_offsets=False)  # a line has no place to tell an offset
    lines = np.empty(len(mazes), object)
    for position, batch in enumerate(mazes.batches):
        where = mazes.indices_of(position)
        encoded = writes.encode_batch(batch, streams=where, seed=seed, solution=solve_batch(batch, seed, where))
        lines[where] = writes.decode(encoded.tokens)
    return "\n".join(lines) + "\n"


def _large_enough(tokenizer: str | Tokenization, side: int) -> Tokenization:
    """Return a tokenization that is given by name on a canvas for mazes of `side`: the words are the same on any."""
    if not isinstance(tokenizer, str):
        return tokenizer
    return load_tokenization(tokenizer, canvas=min(max(TokenizationConfig.canvas, side), LARGEST_CANVAS))


def convert(
    source: str | PathLike[str],
    out: str | PathLike[str],
    *,
    source_format: str | None = None,
    format: str | None = None,
    tokenizer: str | Tokenization = "unique_cells",
    grid: AnySize | None = None,
    seed: int = 0,
) -> tuple[Path, int]:
    """Read mazes from `source` and write them to `out`; return the path and how many there are.

    Raises:
        MazeRLError: As `load_mazes` and `save_mazes`.
    """
    mazes = load_mazes(source, format=source_format, tokenizer=tokenizer, grid=grid)
    about = f"{Path(source).resolve().name} ({FORMATS[format_to_read(source, source_format)]})"
    saved = save_mazes(mazes, out, format=format, tokenizer=tokenizer, source=about, seed=seed)
    return saved, len(mazes)
