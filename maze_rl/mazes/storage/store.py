"""A maze dataset on disk: a Hugging Face (Arrow) folder that is memory-mapped, read without a copy, and verified.

`datasets.load_from_disk` reads it with none of our code. Beside its files lies `maze_rl.json`, the manifest: what was
asked for, what came out, and the SHA-256 of every shard, so that a damaged file is named and never read as mazes. A
folder without a manifest (filtered or mapped with `datasets` and saved again) is read too; its mazes are checked one
by one.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.configs.mazes import SPLITS, MazeSpec, spec_from_json
from maze_rl.errors import MazeRLError
from maze_rl.mazes.displayed import DisplayedMazes
from maze_rl.mazes.lattice import Maze, MazeCollection
from maze_rl.mazes.maze_sequence import MazeSequence
from maze_rl.mazes.selection import chosen_rows
from maze_rl.mazes.splits import maze_hashes, split_numbers
from maze_rl.mazes.storage.columns import NEEDED, checked_table, content_digest, mazes_of

MANIFEST = "maze_rl.json"
CHUNK = 10_000
"""Mazes read at a time."""
if TYPE_CHECKING:
    _Mazes = MazeSequence[Maze, MazeCollection]
else:
    _Mazes = MazeSequence  # a check of types at run time reads one item of a sequence; nothing is to be read unasked


class StoredMazes(DisplayedMazes, _Mazes):
    """The mazes of a dataset on disk, in their order; nothing is read before it is asked for.

    A sequence as a collection is, which the mazes that are taken from it become.

    Args:
        table: The columns of `maze_rl.mazes.storage.columns`.
        manifest: What is known of the dataset; {} where it has no manifest.
        name: What errors call it.
    """

    def __init__(self, table: pa.Table, manifest: Mapping[str, Any], name: str) -> None:
        self.table, self.manifest, self.name = table, manifest, name

    def __len__(self) -> int:
        return self.table.num_rows

    def _row(self, row: int) -> Maze:
        return self._mazes(self.table.slice(row, 1))[0]

    def __iter__(self) -> Iterator[Maze]:
        return (maze for mazes in self.chunks() for maze in mazes)

    def take(self, rows: Any) -> MazeCollection:
        """Return the mazes that a slice, numbers or a mask choose, in that order.

        Raises:
            IndexError: There is no such maze, or a mask has another length.
            MazeRLError: A maze is broken.
        """
        chosen = chosen_rows(rows, len(self))
        if len(chosen) == 0 or (np.diff(chosen) == 1).all():
            return self._mazes(self.table.slice(int(chosen[0]) if len(chosen) else 0, len(chosen)))
        return self._mazes(self._take_apart(chosen))

    def _take_apart(self, rows: Int64[ndarray, " num"]) -> pa.Table:
        """Return scattered rows, looked up in each record batch: the whole is never put together for it."""
        batches, starts = self._batches
        home = np.searchsorted(starts, rows, side="right") - 1
        order = np.argsort(home, kind="stable")
        found = [
            batches[number].take(pa.array(rows[order][home[order] == number] - starts[number]))
            for number in np.unique(home)
        ]
        return pa.Table.from_batches(found).take(pa.array(np.argsort(order)))

    @cached_property
    def _batches(self) -> tuple[list[pa.RecordBatch], Int64[ndarray, " batches"]]:
        """The pieces of the table as they lie in memory, and the row each begins at."""
        batches = [batch for batch in self.table.to_batches() if len(batch)]
        return batches, np.cumsum([0, *map(len, batches)])[:-1]

    def chunks(self, size: int = CHUNK) -> Iterator[MazeCollection]:
        """Yield all mazes, `size` at a time."""
        for start in range(0, len(self), size):
            yield self._mazes(self.table.slice(start, size))

    def places_of(self, maze: object) -> Int64[ndarray, " places"]:
        """Return where `maze` stands, ascending."""
        starts = range(0, len(self), CHUNK)
        found = [start + part.places_of(maze) for start, part in zip(starts, self.chunks(), strict=True)]
        return np.concatenate([np.empty(0, np.int64), *found])

    def all(self) -> MazeCollection:
        """Return all mazes in memory: 2 bytes per cell and maze."""
        return self._mazes(self.table)

    @cached_property
    def splits(self) -> Int64[ndarray, " num"]:
        """The split of each maze as its position in `SPLITS`."""
        if self.manifest:
            return self.table.column("split").to_numpy()
        found = np.empty(len(self), np.int64)
        for number, mazes in enumerate(self.chunks()):
            for position, batch in enumerate(mazes.batches):
                found[number * CHUNK + mazes.indices_of(position)] = split_numbers(maze_hashes(batch))
        return found

    def rows_of(self, split: str) -> Int64[ndarray, " rows"]:
        """Return the rows that belong to `split`."""
        return np.flatnonzero(self.splits == SPLITS.index(split))

    @cached_property
    def shapes(self) -> list[tuple[int, int]]:
        """The (rows, cols) there are, ascending."""
        pairs = self.table.select(["rows", "cols"]).group_by(["rows", "cols"]).aggregate([]).to_pylist()
        return sorted((pair["rows"], pair["cols"]) for pair in pairs)

    @cached_property
    def content(self) -> str:
        """64 bits in hexadecimal that name the mazes, their endpoints and their order."""
        return self.manifest.get("content") or f"{content_digest(self.table):016x}"

    @property
    def spec(self) -> MazeSpec | None:
        """What the mazes were drawn from; None where they were not generated here."""
        return spec_from_json(self.manifest["spec"]) if self.manifest.get("spec") else None

    @property
    def card(self) -> dict[str, Any]:
        """What is known of the dataset, without its files."""
        return {name: value for name, value in self.manifest.items() if name not in ("files", "sha256")}

    def _mazes(self, table: pa.Table) -> MazeCollection:
        try:
            return mazes_of(table.select(NEEDED))
        except MazeRLError as error:
            raise MazeRLError(f"{self.name}: {error}") from error


def open_dataset(folder: str | PathLike[str]) -> StoredMazes:
    """Open a dataset folder, memory-mapped; its files are verified first.

    Raises:
        MazeRLError: The folder is no maze dataset, or a file of it is missing or altered; names the file.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise MazeRLError(f"{folder}: there is no such folder.")
    if (folder / MANIFEST).is_file():
        manifest = read_manifest(folder)
        tables = [_open_shard(folder / name, about) for name, about in manifest["files"].items()]
        return StoredMazes(pa.concat_tables(tables), manifest, str(folder))
    return StoredMazes(_foreign_table(folder), {}, str(folder))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and verify the manifest of a dataset.

    Raises:
        MazeRLError: It is damaged.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
        if manifest["sha256"] != manifest_digest(manifest):
            raise ValueError("its checksum differs")
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise MazeRLError(f"{path}: is damaged ({error}): restore the file or generate the mazes again.") from error
    return manifest


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest, its own checksum left out."""
    rest = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_shard(path: Path) -> pa.Table:
    """Map one Arrow file into memory."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()


def _open_shard(path: Path, about: Mapping[str, Any]) -> pa.Table:
    if not path.is_file():
        raise MazeRLError(f"{path}: the file is missing: restore it or generate the mazes again.")
    if file_digest(path) != about["sha256"]:
        raise MazeRLError(f"{path}: the file is truncated or altered: restore it or generate the mazes again.")
    return read_shard(path)


def _foreign_table(folder: Path) -> pa.Table:
    """Return the table of a folder written by `datasets` itself."""
    import datasets

    try:
        loaded = datasets.load_from_disk(str(folder))
        if not isinstance(loaded, datasets.Dataset):
            raise ValueError("it holds several datasets: give one of its folders")
    except Exception as error:  # whatever a library makes of a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MazeRLError(f"{folder}: is no maze dataset that can be read ({reason}).") from error
    return foreign_table(loaded.data.table, folder)


def foreign_table(table: pa.Table, place: Path) -> pa.Table:
    """Check a table that has no manifest.

    Raises:
        MazeRLError: It holds no mazes, or is damaged; names `place`.
    """
    try:
        return checked_table(table)
    except MazeRLError as error:
        raise MazeRLError(f"{place}: is no maze dataset that can be read: {error}") from error
