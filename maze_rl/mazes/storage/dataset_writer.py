"""Writes datasets: shard by shard, in several processes if asked, resumable, the same bytes whatever happened.

The work goes on in a hidden folder beside the dataset's place, which it takes by a rename at the end. What stops it
from outside (a kill, Ctrl-C, a full disk) leaves the finished shards, and the same call goes on from there; a setting
at fault leaves nothing.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from itertools import pairwise
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from maze_rl.configs.mazes import GenerationConfig, MazeSpec, spec_to_json
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.algorithms import find_generator
from maze_rl.mazes.generate import Attempts
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.storage.dataset_card import describe_spec
from maze_rl.mazes.storage.dataset_folder import (
    WorkInterrupted,
    finish_folder,
    shard_schema,
    workplace,
)
from maze_rl.mazes.storage.free_place import place_of
from maze_rl.mazes.storage.shards import finished_record, generated_parts, record_shard, write_shard
from maze_rl.mazes.storage.store import CHUNK, StoredMazes, open_dataset
from maze_rl.plain_numbers import whole_number
from maze_rl.shipped import VERSION
from maze_rl.worker_processes import worker_processes

SHARD = 50_000
"""Mazes per file; a shard begins at a multiple of it, so that parts and whole are cut alike."""
Progress = Callable[[float], None]


class Span(NamedTuple):
    """The mazes of one shard: numbers `first` to `last` - 1."""

    first: int
    last: int

    def path(self, work: Path) -> Path:
        """Return the file of this shard while the dataset is unfinished."""
        return work / f"{self.first:012d}.arrow"


def write_dataset(
    config: GenerationConfig,
    out: str | PathLike[str],
    *,
    workers: int = 1,
    progress: Progress = lambda done: None,
    shard: int = SHARD,
) -> Path:
    """Generate mazes and write them to `out` as a Hugging Face dataset.

    Memory does not grow with their number, but for 8 bytes each at the end. The files are the same for any number of
    workers, and for parts generated apart and joined by `join_datasets`, if those begin at multiples of `shard`.

    Args:
        config: Which mazes.
        out: The folder; it must be empty or not exist.
        workers: Processes that generate; each takes one shard at a time.
        progress: Called with the share that is done.
        shard: Mazes per file.

    Raises:
        ConfigurationError: `out` is in use, or holds an unfinished dataset of other settings.
        MazeRLError: The disk is full, a worker died, or no maze can meet the specification.
    """
    workers = whole_number("workers", workers)
    if workers < 1:
        raise ConfigurationError(f"workers is {workers}: at least one process must generate.")
    find_generator(config.spec.algorithm)
    out = place_of(out)
    spans = spans_of(config.first, config.num, shard)
    request = {
        "version": VERSION,
        "spec": spec_to_json(config.spec),
        "seed": config.seed,
        "first": config.first,
        "num": config.num,
    }
    with workplace(out, request | {"shard": shard}) as work:
        _generate_shards(config, spans, work, workers, progress)
        about = {"what": describe_spec(config.spec), "source": None, **request}
        finish_folder(work, out, [span.path(work) for span in spans], about)
    return out


def write_mazes(mazes: MazeCollection | StoredMazes, out: str | PathLike[str], source: str, shard: int = SHARD) -> Path:
    """Write mazes that exist to `out` as a Hugging Face dataset; `source` says where they are from.

    Raises:
        ConfigurationError: `out` is in use, or there is no maze.
        MazeRLError: The disk is full.
    """
    if len(mazes) == 0:
        raise ConfigurationError(f"{source}: holds no mazes.")
    out = place_of(out)
    about = {"what": source, "source": source, "spec": None, "seed": None, "first": 0, "num": len(mazes)}
    spans, schema = spans_of(0, len(mazes), shard), shard_schema()
    with workplace(out, None) as work:
        for span in spans:
            chunks = (np.arange(at, min(at + CHUNK, span.last)) for at in range(span.first, span.last, CHUNK))
            parts = ((mazes.take(rows), rows, Attempts()) for rows in chunks)
            write_shard(span.path(work), schema, span.first, parts, lambda num: None)
        finish_folder(work, out, [span.path(work) for span in spans], about)
    return out


def join_datasets(parts: Sequence[str | PathLike[str]], out: str | PathLike[str]) -> Path:
    """Make one dataset of parts generated with the same settings and seed over neighbouring ranges of indices.

    The shards are copied as they are; their content adds up to that of the whole.

    Raises:
        ConfigurationError: The settings differ, or the ranges overlap or leave a gap; `out` is in use.
        MazeRLError: A part is damaged; names the file.
    """
    found = sorted(
        ((open_dataset(part).manifest, Path(part).expanduser()) for part in parts),
        key=lambda item: item[0].get("first", -1),
    )
    manifests = [manifest for manifest, _ in found]
    _check_joinable(manifests, [part for _, part in found])
    first, out = manifests[0], place_of(out)
    about = {name: first[name] for name in ("version", "what", "source", "spec", "seed", "first")}
    with workplace(out, None) as work:
        paths, at = [], first["first"]
        for manifest, part in found:
            for name, file in manifest["files"].items():
                paths.append(work / f"{at:012d}.arrow")
                shutil.copyfile(part / name, paths[-1])
                record_shard(paths[-1], paths[-1], at, Attempts())
                at += file["rows"]
        counts = [Attempts(**manifest["attempts"]) for manifest in manifests]
        about["num"] = sum(manifest["num"] for manifest in manifests)
        finish_folder(work, out, paths, about, asdict(sum(counts, Attempts())))
    return out


def spans_of(first: int, num: int, shard: int) -> list[Span]:
    """Cut indices `first` .. `first` + `num` - 1 at the multiples of `shard`."""
    cuts = [first, *range((first // shard + 1) * shard, first + num, shard), first + num]
    return [Span(*pair) for pair in pairwise(cuts)]


def _check_joinable(manifests: Sequence[Mapping[str, Any]], parts: Sequence[Path]) -> None:
    for manifest, part in zip(manifests, parts, strict=True):
        if not manifest.get("spec"):
            raise ConfigurationError(f"{part}: was not generated here, so it is no part of a larger dataset.")
        for name in ("spec", "seed", "version"):
            if manifest[name] != manifests[0][name]:
                raise ConfigurationError(f"{part}: its {name} differs from that of {parts[0]}: parts must be alike.")
    for (before, after), part in zip(pairwise(manifests), parts[1:], strict=True):
        end = before["first"] + before["num"]
        if after["first"] != end:
            how = "overlaps the part before it" if after["first"] < end else f"leaves out {end} to {after['first'] - 1}"
            raise ConfigurationError(
                f"{part}: begins at index {after['first']} and {how}: parts must follow each other."
            )


def _generate_shards(
    config: GenerationConfig, spans: Sequence[Span], work: Path, workers: int, progress: Progress
) -> None:
    """Make the shards that are not there yet."""
    schema = shard_schema()
    missing = [span for span in spans if finished_record(span.path(work)) is None]
    done = config.num - sum(span.last - span.first for span in missing)

    def tell(num: int) -> None:
        nonlocal done
        done += num
        progress(done / config.num)

    if done:
        tell(0)
    tasks = [(config.spec, config.seed, span, span.path(work), schema) for span in missing]
    if min(workers, len(missing)) > 1:
        _compile_once(work, config, schema)
        _in_processes(tasks, workers, tell)
    else:
        for spec, seed, span, path, schema in tasks:
            write_shard(path, schema, span.first, generated_parts(spec, seed, *span), tell)


def _compile_once(work: Path, config: GenerationConfig, schema: pa.Schema) -> None:
    """Make a shard of one maze and drop it: kernels are compiled here and cached, not in every process anew."""
    with TemporaryDirectory(dir=work) as folder:
        parts = generated_parts(config.spec, config.seed, config.first, config.first + 1)
        write_shard(Path(folder) / "one.arrow", schema, config.first, parts, lambda num: None)


def _in_processes(tasks: Sequence[tuple], workers: int, tell: Callable[[int], None]) -> None:
    """Make shards in several processes, and tell of each that is done; Ctrl-C loses those in hand.

    Raises:
        MazeRLError: A process died.
    """
    with worker_processes(min(workers, len(tasks))) as pool:
        try:
            for future in as_completed([pool.submit(_generate_shard, *task) for task in tasks]):
                span = future.result()
                tell(span.last - span.first)
        except BrokenProcessPool as error:
            raise WorkInterrupted(
                "a worker process died, perhaps for lack of memory: finished shards are kept, use fewer --workers"
            ) from error


def _generate_shard(spec: MazeSpec, seed: int, span: Span, path: Path, schema: pa.Schema) -> Span:
    write_shard(path, schema, span.first, generated_parts(spec, seed, *span), lambda num: None)
    return span
