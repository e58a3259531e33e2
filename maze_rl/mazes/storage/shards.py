"""One shard of a dataset: a file of mazes, and a record of what is in it.

A shard is written under a temporary name, read back, counted, and renamed; its record is written last. So a shard
with a record is whole, whatever killed the process, and a run that is started again keeps it.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.configs.mazes import MazeSpec
from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.generate import Attempts, generate_counted
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.splits import maze_hashes, split_numbers
from maze_rl.mazes.storage.columns import content_digest, count_splits, mazes_of, table_of
from maze_rl.mazes.storage.store import CHUNK, file_digest, read_shard

_CELLS_AT_ONCE = 2**25
Part = tuple[MazeCollection, Int64[ndarray, " num"], Attempts]
"""Mazes, their indices in the dataset, and what it took to find them."""


@dataclass(frozen=True)
class ShardRecord(Shown):
    """What one shard holds."""

    rows: int
    sha256: str
    """Of the file."""
    content: int
    """64-bit digest of the mazes, see `maze_rl.mazes.storage.columns.content_digest`."""
    splits: dict[str, int]
    sizes: dict[str, int]
    """Number of mazes of each shape, named as ``5x5``."""
    leaks: int
    """Mazes that, read back from the file, belong to another split than their row says."""
    attempts: dict[str, int]


def generated_parts(spec: MazeSpec, seed: int, first: int, last: int) -> Iterator[Part]:
    """Generate mazes `first` .. `last` - 1 of (`spec`, `seed`), `CHUNK` at a time, fewer of large ones."""
    most_cells = max(rows * cols for rows, cols in spec.shapes)
    chunk = min(CHUNK, max(1, _CELLS_AT_ONCE // most_cells))
    for start in range(first, last, chunk):
        indices = np.arange(start, min(start + chunk, last))
        mazes, attempts = generate_counted(spec, indices, seed)
        yield mazes, indices, attempts


def write_shard(path: Path, schema: pa.Schema, first: int, parts: Iterator[Part], told: Callable[[int], None]) -> None:
    """Write mazes to `path`, its record to ``path.json`` and the hashes of their walls to ``path.npy``.

    Args:
        path: The file.
        schema: Arrow schema of the columns.
        first: Number of its first maze in the dataset.
        parts: The mazes, in order.
        told: Called with the number of mazes written by each part.
    """
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    attempts = Attempts()
    try:
        with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for mazes, indices, more in parts:
                writer.write_table(table_of(mazes, indices, schema))
                attempts += more
                told(len(mazes))
        record_shard(temporary, path, first, attempts)
    finally:
        temporary.unlink(missing_ok=True)


def record_path(path: Path) -> Path:
    """Return where the record of a shard lies."""
    return path.with_suffix(".json")


def classes_path(path: Path) -> Path:
    """Return where the UInt64[rows] hashes of the walls of a shard lie."""
    return path.with_suffix(".npy")


def finished_record(path: Path) -> ShardRecord | None:
    """Return the record of a shard that is whole, or None."""
    try:
        record = ShardRecord(**json.loads(record_path(path).read_text()))
        whole = classes_path(path).is_file() and file_digest(path) == record.sha256
        return record if whole else None
    except (OSError, ValueError, TypeError):
        return None


def record_shard(written: Path, path: Path, first: int, attempts: Attempts) -> None:
    """Read the file `written` back, give it the name `path`, and record what it holds."""
    record = _inspect(written, classes_path(path), first, attempts)
    os.replace(written, path)
    record_path(path).write_text(json.dumps(asdict(record)))


def _inspect(path: Path, classes: Path, first: int, attempts: Attempts) -> ShardRecord:
    """Return the record of a shard, read back from disk; the hash of every maze's walls goes to `classes`."""
    table = read_shard(path)
    stored = table.column("split").to_numpy()
    hashes, splits, sizes = np.empty(len(stored), np.uint64), np.empty(len(stored), np.int64), {}
    for start in range(0, len(stored), CHUNK):
        mazes = mazes_of(table.slice(start, CHUNK))
        for position, batch in enumerate(mazes.batches):
            where = start + mazes.indices_of(position)
            hashes[where] = maze_hashes(batch)
            splits[where] = split_numbers(hashes[where])
            name = "x".join(map(str, batch.shape))
            sizes[name] = sizes.get(name, 0) + len(batch)
    np.save(classes, hashes)
    return ShardRecord(
        table.num_rows,
        file_digest(path),
        content_digest(table, first),
        count_splits(stored),
        sizes,
        int((splits != stored).sum()),
        asdict(attempts),
    )


def add_counts(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """Add up numbers by name, names in the order they come."""
    total: dict[str, Any] = {}
    for each in counts:
        for name, value in each.items():
            total[name] = total.get(name, 0) + value
    return total
