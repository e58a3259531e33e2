"""Folders of files that are written whole or not at all, and read only if unaltered.

A folder is written under a temporary name beside its place and renamed at the end, so a full disk or a
kill leaves the previous one untouched; what a kill leaves of the new one is removed when it is written again
(`maze_rl.mazes.interchange.leftovers`). `checksums.json` holds the SHA-256 of every file; reading checks it and names
the file that is missing, truncated or altered. No pickle is ever loaded.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.mazes.interchange.leftovers import AN_HOUR, remove_leftovers, temporary_name

CHECKSUMS = "checksums.json"


def tensor_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return `tensors` as the bytes of a safetensors file."""
    return save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def json_bytes(value: Any) -> bytes:
    """Return `value` as readable JSON."""
    return (json.dumps(value, indent=1, default=plain_number) + "\n").encode()


def plain_number(value: Any) -> Any:
    """Return a number of numpy or torch as Python's, for `json.dumps`.

    Raises:
        ConfigurationError: It is none; says what can be saved.
    """
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    shown = " ".join(repr(value).split())[:80]
    raise ConfigurationError(
        f"{shown} cannot be saved: records and states are numbers, texts, true, false, none, and lists and dicts of "
        "them; tensors only in a state, as values of a dict."
    )


def write_folder(folder: Path, files: Mapping[str, bytes], write: Callable[[Path, bytes], None] | None = None) -> None:
    """Write `files` (name -> bytes) as `folder`, replacing it in one rename.

    Args:
        folder: Where the files end up.
        files: File contents by name.
        write: How one file is written; tests inject failures here.

    Raises:
        CheckpointError: The disk is full or refuses; what stood at `folder` is untouched.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder.parent, folder.name, AN_HOUR)
    temporary = temporary_name(folder)
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    put = write or _write_synced
    try:
        temporary.mkdir()
        for name, data in files.items():
            put(temporary / name, data)
        put(temporary / CHECKSUMS, json_bytes(checksums))
        _replace(folder, temporary)
    except OSError as error:
        raise CheckpointError(
            f"{folder}: could not be written ({error.strerror or error}); what was saved before is untouched."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_file(path: Path, data: bytes) -> None:
    """Write one file whole or not at all.

    Raises:
        CheckpointError: The disk is full or refuses; the previous file is untouched.
    """
    temporary = temporary_name(path)
    try:
        remove_leftovers(path.parent, path.name, AN_HOUR)
        _write_synced(temporary, data)
        temporary.replace(path)
    except OSError as error:
        raise CheckpointError(
            f"{path}: could not be written ({error.strerror or error}). Free some space and try again."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_into(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` into `folder` beside what is there, each whole or not at all, their checksums last.

    Raises:
        CheckpointError: The disk is full or refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_file(folder / name, data)
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    write_file(folder / CHECKSUMS, json_bytes(checksums))


def read_folder(folder: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Read the files `names` of `folder` after checking their checksums.

    Raises:
        CheckpointError: A file is missing, truncated or altered; the message names it.
    """
    checksums = _read_checksums(folder / CHECKSUMS)
    contents = {}
    for name in names:
        data = _read(folder / name)
        if hashlib.sha256(data).hexdigest() != checksums.get(name):
            raise CheckpointError(f"{folder / name}: the file is truncated or altered (its checksum differs).")
        contents[name] = data
    return contents


def read_tensors(data: bytes) -> dict[str, Tensor]:
    """Return the tensors of the bytes of a safetensors file."""
    return load_tensors(data)


def _read_checksums(path: Path) -> dict[str, str]:
    data = _read(path)
    try:
        return json.loads(data)
    except ValueError as error:
        raise CheckpointError(f"{path}: the file is truncated or altered (it is no JSON).") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: the file is missing or cannot be read ({error.strerror}).") from error


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(folder: Path, temporary: Path) -> None:
    if folder.exists():
        old = temporary_name(folder, "old")
        folder.replace(old)
        try:
            temporary.replace(folder)
        except OSError:
            old.replace(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        temporary.replace(folder)
