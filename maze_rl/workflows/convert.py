"""`maze-rl convert`: mazes from one kind of file to another, theirs and ours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maze_rl.configs.maze_files import KINDS, check_readable, check_writable, is_dataset
from maze_rl.configs.ranges import Size, check_sizes
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.interchange.archive import read_archive, write_archive
from maze_rl.mazes.interchange.ascii import draw_ascii, from_ascii
from maze_rl.mazes.interchange.images import read_image, write_image
from maze_rl.mazes.interchange.parquet import read_parquet, write_parquet
from maze_rl.mazes.interchange.whole_files import written_whole
from maze_rl.mazes.interchange.zanj import read_zanj
from maze_rl.mazes.lattice import Maze, MazeCollection, collect
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.storage.dataset_writer import write_mazes
from maze_rl.mazes.storage.store import StoredMazes, open_dataset
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization


def load_mazes(
    path: str | Path, *, tokenization: str | Tokenization = "unique_cells", grid: Size | None = None
) -> MazeCollection | StoredMazes:
    """Read mazes from a dataset folder, or a file of any kind in `KINDS`, or maze-dataset's ``.zanj``.

    Args:
        path: The folder or file; its suffix says what it is.
        tokenization: What a `.tokens` file is written in.
        grid: Cells per side, or (rows, cols), of the mazes of a `.tokens` file: the text does not tell.

    Returns:
        A dataset stays on disk (`StoredMazes`); all else is in memory. Both have a length, `[i]` and iteration.

    Raises:
        MazeRLError: There is no such file, it is damaged or of no known kind, or a maze in it is broken.
    """
    path = Path(path)
    check_readable(path, grid is not None)
    if path.is_dir():
        return open_dataset(path)
    if path.suffix == ".zanj":
        return read_zanj(path).mazes
    if path.suffix == ".npz":
        return read_archive(path)
    if path.suffix == ".parquet":
        return read_parquet(path)
    if path.suffix == ".png":
        return MazeCollection.from_batch(read_image(path).as_batch())
    if path.suffix == ".txt":
        return _from_texts(path, [part for part in _read_text(path).split("\n\n") if part.strip()], from_ascii)
    return _from_tokens(path, tokenization, grid)


def _from_tokens(path: Path, tokenization: str | Tokenization, grid: Size | None) -> MazeCollection:
    assert grid is not None
    (size,) = check_sizes([grid])
    shape = (size, size) if isinstance(size, int) else size
    writes = load_tokenization(tokenization) if isinstance(tokenization, str) else tokenization
    lines = [line for line in _read_text(path).splitlines() if line.strip()]
    return _from_texts(path, lines, lambda line: writes.from_text(line, shape))


def _from_texts(path: Path, texts: list[str], read) -> MazeCollection:
    mazes: list[Maze] = []
    for number, text in enumerate(texts, 1):
        try:
            mazes.append(read(text))
        except MazeRLError as error:
            raise MazeRLError(f"{path}, maze {number}: {error}") from error
    if not mazes:
        raise MazeRLError(f"{path}: holds no mazes.")
    return collect(mazes)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeError) as error:
        raise MazeRLError(f"{path}: is no text that can be read ({error}).") from error


def save_mazes(
    mazes: MazeCollection | StoredMazes | Maze | Sequence[Maze],
    out: str | Path,
    *,
    tokenization: str | Tokenization = "unique_cells",
    source: str = "a program",
    seed: int = 0,
) -> Path:
    """Write mazes to a dataset folder or a file; the suffix of `out` says which, see `KINDS`.

    Args:
        mazes: What to write: mazes as they were read or generated, one `Maze`, or a list.
        out: Where to; a name that ends with / is a folder whatever its suffix.
        tokenization: What a `.tokens` file is written in; each maze with one of its shortest paths.
        source: Where the mazes are from, for the card of a dataset.
        seed: Seed of edge order and choice of path in token text.

    Raises:
        MazeRLError: The kind is unknown, a picture is asked of several mazes, or the disk refuses.
    """
    if not isinstance(mazes, MazeCollection | StoredMazes):
        mazes = collect([mazes] if isinstance(mazes, Maze) else mazes)
    check_writable(out)
    is_folder, out = is_dataset(out), Path(out)
    if is_folder:
        return write_mazes(mazes, out, source)
    if out.suffix == ".parquet":
        return write_parquet(out, mazes)
    whole = mazes.all() if isinstance(mazes, StoredMazes) else mazes
    if out.suffix == ".npz":
        return write_archive(out, whole)
    if out.suffix == ".png":
        if len(whole) != 1:
            raise ConfigurationError(f"{out}: a .png holds one maze, not {len(whole)}: use .npz, .txt or a folder.")
        return write_image(out, whole[0])
    text = _tokens(whole, tokenization, seed) if out.suffix == ".tokens" else "\n\n".join(map(_drawing, whole))
    with written_whole(out) as file:
        file.write(f"{text}\n".encode())
    return out


def _drawing(maze: Maze) -> str:
    if maze.origin == maze.target:
        raise ConfigurationError(f"a drawing cannot show a maze whose origin is its target, {maze.origin}.")
    return draw_ascii(maze)


def _tokens(mazes: MazeCollection, tokenization: str | Tokenization, seed: int) -> str:
    writes = load_tokenization(tokenization) if isinstance(tokenization, str) else tokenization
    lines = np.empty(len(mazes), object)
    for position, batch in enumerate(mazes.batches):
        where = mazes.indices_of(position)
        encoded = writes.encode_batch(batch, streams=where, seed=seed, solution=solve_batch(batch, seed, where))
        lines[where] = writes.decode(encoded.tokens)
    return "\n".join(lines)


def convert(
    source: str | Path, out: str | Path, *, tokenization: str = "unique_cells", grid: Size | None = None, seed: int = 0
) -> tuple[Path, int]:
    """Read mazes from `source` and write them to `out`; return the path and how many there are.

    Raises:
        MazeRLError: As `load_mazes` and `save_mazes`.
    """
    mazes = load_mazes(source, tokenization=tokenization, grid=grid)
    kind = KINDS[""] if Path(source).is_dir() else KINDS.get(Path(source).suffix, "maze-dataset")
    about = f"{Path(source).resolve().name} ({kind})"
    return save_mazes(mazes, out, tokenization=tokenization, source=about, seed=seed), len(mazes)
