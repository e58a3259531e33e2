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
from maze_rl.errors import MazeRLError
from maze_rl.mazes.storage.dataset_card import dataset_card
from maze_rl.mazes.storage.free_place import InTheWayError, check_empty, unfinished_folder
from maze_rl.mazes.storage.shards import add_counts, classes_path, finished_record
from maze_rl.mazes.storage.store import MANIFEST, manifest_digest, read_shard
from maze_rl.shipped import VERSION


@contextmanager
def workplace(out: Path, request: Mapping[str, Any] | None) -> Iterator[Path]:
    """Give a folder to make the dataset `out` in, to this process alone; it is removed at the end.

    Where the work can be resumed, what the system did to it (a kill, a full disk, a worker that died) leaves the
    finished shards; where it cannot, and where a setting is at fault, nothing stays.

    Args:
        out: Where the dataset will be, as `place_of` gives it.
        request: What is asked for, to recognise an unfinished dataset by; None for work that is not resumed.

    Raises:
        ConfigurationError: `out` is in use, or an unfinished dataset of another request is in the way.
        MazeRLError: The operating system refuses, as on a full disk.
    """
    work, asked = unfinished_folder(out), json.dumps(request, sort_keys=True)
    new_parents = [parent for parent in work.parents if not parent.exists()]
    try:
        _check_free(out, work)
        with _locked(work, out):
            _begin(work, asked)
            yield work
            shutil.rmtree(work, ignore_errors=True)
    except MazeRLError as error:
        if not isinstance(error, InTheWayError):
            _tidy(work, new_parents, keep=isinstance(error, WorkInterrupted) and request is not None)
        raise
    except OSError as error:
        kept = _tidy(work, new_parents, keep=request is not None)
        left = "finished shards are kept for the same command" if kept else "nothing was left behind"
        raise MazeRLError(f"{out}: could not be written ({error.strerror or error}); {left}.") from error
    except BaseException:
        _tidy(work, new_parents, keep=request is not None)
        raise


class WorkInterrupted(MazeRLError):
    """Raised when something outside stopped the work, such as a process that died."""


def _check_free(out: Path, work: Path) -> None:
    try:
        check_empty(out)
    except InTheWayError:
        if work.exists() and not any(work.glob("*.arrow")):
            shutil.rmtree(work, ignore_errors=True)  # left by a kill right after the dataset took its place
        raise


@contextmanager
def _locked(work: Path, out: Path) -> Iterator[None]:
    """Keep other processes out of `work`; the lock ends with the process, however that ends."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass  # no such lock on this system
        except BlockingIOError:
            raise InTheWayError(f"{out}: another process is writing it: wait for that one.") from None
        yield


def _begin(work: Path, asked: str) -> None:
    """Note what is asked for, or recognise what was; drop what a kill left half-written."""
    path = work / "request.json"
    found = path.read_text() if path.exists() else ""
    if found in ("", "null"):
        for left in work.glob("*.*"):
            left.unlink()
    elif found != asked:
        raise InTheWayError(
            f"{work} holds an unfinished dataset of other settings: finish it with its own command, or remove it."
        )
    for left in work.glob("*.tmp"):
        left.unlink()
    if found != asked:
        path.with_suffix(".tmp").write_text(asked)
        os.replace(path.with_suffix(".tmp"), path)


def _tidy(work: Path, new_parents: Sequence[Path], keep: bool) -> bool:
    """Remove an unfinished dataset and the folders made for it, but for finished shards to `keep`; tell if any were."""
    if keep and any(path.name != "request.json" for path in work.glob("*.json")):
        for left in work.glob("*.tmp"):  # of a process that was ended
            left.unlink(missing_ok=True)
        return True
    shutil.rmtree(work, ignore_errors=True)
    for parent in new_parents:
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
    return False


def shard_schema() -> pa.Schema:
    """Return the Arrow schema of a shard, with the features `datasets` reads in it."""
    return _features().arrow_schema


def _features() -> Any:
    from datasets import ClassLabel, Features, List, Value

    cell = List(Value("int16"), length=2)
    return Features(
        {
            "rows": Value("int16"),
            "cols": Value("int16"),
            "connections": Value("binary"),
            "origin": cell,
            "target": cell,
            "distance": Value("int32"),
            "shortest_paths": Value("int64"),
            "split": ClassLabel(names=list(SPLITS)),
            "index": Value("int64"),
        }
    )


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
    (folder / "README.md").write_text(dataset_card(manifest), encoding="utf-8")
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
        "version": VERSION,
        **about,
        "content": f"{sum(record.content for record in whole) % 2**64:016x}",
        "splits": add_counts([record.splits for record in whole]),
        "sizes": dict(sorted(sizes.items(), key=lambda item: [int(side) for side in item[0].split("x")])),
        "leaks": sum(record.leaks for record in whole),
        "classes": classes,
        "shared_classes": shared,
        "attempts": attempts or add_counts([record.attempts for record in whole]),
        "num_files": len(names),
        "files": {name: {"rows": r.rows, "sha256": r.sha256} for name, r in zip(names, whole, strict=True)},
    }
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
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
