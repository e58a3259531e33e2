"""Mazes on disk as a Hugging Face dataset (Arrow): compact, memory-mapped, readable without our code.

One row per maze, in index order: `rows`, `cols`, `connections` (bits of Bool[2, rows, cols], packed as
`numpy.packbits` does), `origin`, `target`, `distance` (steps between them), `index`. Written in shards
through a temporary folder, so that a kill leaves nothing half-written.
"""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from maze_rl.configs.mazes import MazeSpec, spec_to_json
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch, MazeCollection
from maze_rl.mazes.solve import solve_batch

SHARD = 100_000
CHUNK = 20_000
SPECIFICATION = "maze_rl.json"


def write_dataset(
    spec: MazeSpec, num: int, seed: int, out: Path, progress: Callable[[float], None] = lambda done: None
) -> Path:
    """Generate `num` mazes and write them to `out` as a Hugging Face dataset.

    Memory does not grow with `num`: mazes go to disk `CHUNK` at a time.

    Raises:
        ConfigurationError: `out` exists and is not an empty folder, or `num` is below 1.
        MazeRLError: The disk is full, or no maze can meet the specification.
    """
    import datasets

    if num < 1:
        raise ConfigurationError(f"num is {num}: ask for at least one maze.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out} is not an empty folder: choose another --out or remove it.")
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shards = [
            _write_shard(spec, seed, first, min(first + SHARD, num), temporary / "shards", progress, num)
            for first in range(0, num, SHARD)
        ]
        whole = datasets.concatenate_datasets([datasets.Dataset.from_file(str(shard)) for shard in shards])
        whole.info.description = f"{num} mazes of maze_rl: {json.dumps(spec_to_json(spec))}, seed {seed}."
        with _quiet_datasets():
            whole.save_to_disk(temporary / "dataset", num_shards=len(shards))
        (temporary / "dataset" / SPECIFICATION).write_text(
            json.dumps({"spec": spec_to_json(spec), "num": num, "seed": seed}) + "\n"
        )
        if out.exists():
            out.rmdir()
        (temporary / "dataset").replace(out)
    except OSError as error:
        raise MazeRLError(
            f"{out}: could not be written ({error.strerror or error}); nothing was left behind."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


def read_dataset(folder: Path) -> MazeCollection:
    """Read a dataset that `write_dataset` wrote; every maze is checked.

    Raises:
        MazeRLError: The folder is no such dataset, or a maze in it is broken.
    """
    import datasets

    try:
        loaded = datasets.load_from_disk(str(folder))
        if not isinstance(loaded, datasets.Dataset):
            raise ValueError("it holds several datasets")
        table = loaded.data
        rows, cols, origin, target = (
            np.array(table.column(name).to_pylist()) for name in ("rows", "cols", "origin", "target")
        )
        packed = table.column("connections").to_pylist()
    except (OSError, KeyError, ValueError) as error:
        raise MazeRLError(f"{folder}: is no maze dataset that can be read ({error}).") from error
    shapes = sorted(set(zip(rows.tolist(), cols.tolist(), strict=True)))
    batches, batch_of, row_of = [], np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    for position, shape in enumerate(shapes):
        where = np.flatnonzero((rows == shape[0]) & (cols == shape[1]))
        batch_of[where], row_of[where] = position, np.arange(len(where))
        try:
            connections = _unpack([packed[i] for i in where], shape)
            batches.append(MazeBatch(connections, origin[where].astype(np.int16), target[where].astype(np.int16)))
        except MazeRLError as error:
            raise MazeRLError(f"{folder}, its {shape[0]} x {shape[1]} mazes: {error}") from error
    return MazeCollection(tuple(batches), batch_of, row_of)


@contextmanager
def _quiet_datasets() -> Iterator[None]:
    """Silence the progress bars of `datasets` and leave them as they were: the caller reports progress."""
    import datasets

    if datasets.are_progress_bars_disabled():
        yield
        return
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()


def _write_shard(
    spec: MazeSpec,
    seed: int,
    first: int,
    last: int,
    folder: Path,
    progress: Callable[[float], None],
    num: int,
) -> Path:
    from datasets import Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    features = Features(
        {
            "rows": Value("int16"), "cols": Value("int16"), "connections": Value("binary"),
            "origin": List(Value("int16"), length=2), "target": List(Value("int16"), length=2),
            "distance": Value("int32"), "index": Value("int64"),
        }
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{first:012d}.arrow"
    with ArrowWriter(features=features, path=str(path)) as writer:
        for start in range(first, last, CHUNK):
            indices = np.arange(start, min(start + CHUNK, last))
            writer.write_table(_table(generate_mazes(spec, indices, seed), indices, features))
            progress(float(indices[-1] + 1) / num)
        writer.finalize()
    return path


def _table(mazes: MazeCollection, indices: np.ndarray, features: object):
    import pyarrow as pa

    num = len(mazes)
    packed: list[bytes] = [b""] * num
    shape, ends = np.empty((num, 2), np.int16), np.empty((num, 2, 2), np.int16)
    distance = np.empty(num, np.int32)
    for position, batch in enumerate(mazes.batches):
        where = mazes.indices_of(position)
        bits = np.packbits(batch.connections.reshape(len(batch), -1), axis=1)
        for index, row in zip(where, bits, strict=True):
            packed[index] = row.tobytes()
        shape[where] = batch.shape
        ends[where, 0], ends[where, 1] = batch.origins, batch.targets
        distance[where] = solve_batch(batch).lengths
    columns = [
        pa.array(shape[:, 0]), pa.array(shape[:, 1]), pa.array(packed, pa.binary()),
        pa.FixedSizeListArray.from_arrays(pa.array(ends[:, 0].ravel()), 2),
        pa.FixedSizeListArray.from_arrays(pa.array(ends[:, 1].ravel()), 2),
        pa.array(distance), pa.array(indices),
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=features.arrow_schema)  # type: ignore[attr-defined]


def _unpack(packed: list[bytes], shape: tuple[int, int]) -> np.ndarray:
    size = 2 * shape[0] * shape[1]
    expected = (size + 7) // 8
    for index, data in enumerate(packed):
        if len(data) != expected:
            raise MazeRLError(f"maze {index}: connections hold {len(data)} bytes, not {expected}.")
    bits = np.frombuffer(b"".join(packed), np.uint8).reshape(len(packed), expected)
    return np.unpackbits(bits, axis=1, count=size).astype(np.bool_).reshape(len(packed), 2, *shape)
