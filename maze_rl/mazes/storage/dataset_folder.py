"""The folder of a dataset: where it is made, and how finished shards become a Hugging Face dataset."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from maze_rl.configs.mazes import SPLITS
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.storage.dataset_card import dataset_card
from maze_rl.mazes.storage.shards import add_counts, classes_path, finished_record
from maze_rl.mazes.storage.store import MANIFEST, manifest_digest, read_shard
from maze_rl.shipped import VERSION


def unfinished_folder(out: Path) -> Path:
    """Return where the dataset `out` is made."""
    return out.with_name(f".{out.name}.unfinished")


@contextmanager
def workplace(out: Path, request: Mapping[str, Any] | None) -> Iterator[Path]:
    """Give a folder to make the dataset `out` in; it is removed at the end, but for a kill.

    Args:
        out: Where the dataset will be.
        request: What is asked for, to recognise an unfinished dataset by; None for work that is not resumed.

    Raises:
        ConfigurationError: `out` is in use, or an unfinished dataset of another request is in the way.
        MazeRLError: The operating system refuses, as on a full disk.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out} is not an empty folder: choose another --out or remove it.")
    work = unfinished_folder(out)
    asked = json.dumps(request, sort_keys=True)
    if work.exists() and not (request and _read(work / "request.json") == asked):
        raise ConfigurationError(
            f"{work} holds an unfinished dataset of other settings: finish it with its own command, or remove it."
        )
    new_parents = [parent for parent in work.parents if not parent.exists()]
    try:
        work.mkdir(parents=True, exist_ok=True)
        (work / "request.json").write_text(asked)
        yield work
    except OSError as error:
        _remove(work, new_parents)
        raise MazeRLError(
            f"{out}: could not be written ({error.strerror or error}); nothing was left behind."
        ) from error
    except Exception:
        _remove(work, new_parents)
        raise
    shutil.rmtree(work, ignore_errors=True)


def _remove(work: Path, new_parents: Sequence[Path]) -> None:
    """Remove an unfinished dataset and the folders that were made for it."""
    shutil.rmtree(work, ignore_errors=True)
    for parent in new_parents:
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def shard_schema() -> pa.Schema:
    """Return the Arrow schema of a shard, with the features `datasets` reads in it."""
    return _features().arrow_schema


def _features() -> Any:
    from datasets import ClassLabel, Features, List, Value

    cell = List(Value("int16"), length=2)
    return Features(
        {
            "rows": Value("int16"), "cols": Value("int16"), "connections": Value("binary"), "origin": cell,
            "target": cell, "distance": Value("int32"), "shortest_paths": Value("int64"),
            "split": ClassLabel(names=list(SPLITS)), "index": Value("int64"),
        }
    )  # fmt: skip


def finish_folder(
    work: Path, out: Path, shards: Sequence[Path], about: Mapping[str, Any], attempts: Mapping[str, int] | None = None
) -> None:
    """Make finished shards one dataset and move it to `out`; `attempts` are those of the shards if not given."""
    from datasets import DatasetInfo

    folder = work / "dataset"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    names = [f"data-{number:05d}-of-{len(shards):05d}.arrow" for number in range(len(shards))]
    manifest = _manifest(shards, names, about, attempts)
    info = DatasetInfo(description=f"{manifest['num']} mazes: {manifest['what']}", features=_features())
    info.write_to_directory(folder)
    (folder / "state.json").write_text(json.dumps(_state(names, manifest["content"]), indent=1))
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    (folder / "README.md").write_text(dataset_card(manifest))
    for shard, name in zip(shards, names, strict=True):
        os.replace(shard, folder / name)
    if out.exists():
        out.rmdir()
    folder.replace(out)


def _manifest(
    shards: Sequence[Path], names: Sequence[str], about: Mapping[str, Any], attempts: Mapping[str, int] | None
) -> dict[str, Any]:
    records = [finished_record(shard) for shard in shards]
    if None in records:
        raise MazeRLError(f"{shards[records.index(None)]}: changed while the dataset was made: start again.")
    whole = [record for record in records if record is not None]
    classes, shared = _count_classes(shards)
    sizes = add_counts([record.sizes for record in whole])
    manifest = {
        "version": VERSION, **about,
        "content": f"{sum(record.content for record in whole) % 2**64:016x}",
        "splits": add_counts([record.splits for record in whole]),
        "sizes": dict(sorted(sizes.items(), key=lambda item: [int(side) for side in item[0].split("x")])),
        "leaks": sum(record.leaks for record in whole), "classes": classes, "shared_classes": shared,
        "attempts": attempts or add_counts([record.attempts for record in whole]),
        "num_files": len(names),
        "files": {name: {"rows": r.rows, "sha256": r.sha256} for name, r in zip(names, whole, strict=True)},
    }  # fmt: skip
    return manifest | {"sha256": manifest_digest(manifest)}


def _count_classes(shards: Sequence[Path]) -> tuple[int, int]:
    """Count the different walls up to symmetry, and those that stand in more than one split."""
    of_split: list[list[np.ndarray]] = [[] for _ in SPLITS]
    for shard in shards:
        hashes, splits = np.load(classes_path(shard)), read_shard(shard).column("split").to_numpy()
        for number, found in enumerate(of_split):
            found.append(hashes[splits == number])
    unique = [np.unique(np.concatenate(found)) for found in of_split]
    different = np.unique(np.concatenate(unique))
    return len(different), sum(map(len, unique)) - len(different)


def _state(names: Sequence[str], fingerprint: str) -> dict[str, Any]:
    """Return what `datasets` keeps beside the files of a saved dataset."""
    return {
        "_data_files": [{"filename": name} for name in names], "_fingerprint": fingerprint,
        "_format_columns": None, "_format_kwargs": {}, "_format_type": None, "_output_all_columns": False,
        "_split": None,
    }  # fmt: skip
