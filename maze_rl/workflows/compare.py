"""`maze-rl experiments compare`: runs or the arms of experiments against each other, as pictures and numbers."""

import json
import struct
from collections.abc import Sequence
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

from maze_rl.errors import CheckpointError, ConfigurationError, unknown_name
from maze_rl.reports.run_comparison.comparison_files import write_comparison
from maze_rl.reports.run_comparison.groups import Comparison, Group, SeedRun, longest
from maze_rl.workflows.distinct_names import distinct_names
from maze_rl.workflows.experiment import FAILURE, RECORD, RUNS, read_measures
from maze_rl.workflows.path_lists import OneOrMore, path_list
from maze_rl.workflows.run_folder import RunFolder

COMPARISON, WEIGHTS, MODEL = "comparison", "model.safetensors", "model.json"


def compare(runs: OneOrMore, target: str | None = None, out: str | PathLike[str] | None = None) -> Path:
    """Compare runs, or the arms of experiments; return the page that was written.

    Args:
        runs: Folders of runs, folders of experiments, or names of experiments that were run into their usual folder.
        target: Group that differences in the curves are taken from; None for the one that trained on the most tokens
            (an experiment's control where it is as long as any).
        out: Folder to write; None for ``comparison/`` in an experiment's folder, or else ``runs/comparison/``.

    Raises:
        MazeRLError: A folder holds no run, or `target` is none of the groups.
    """
    comparison, folder = collect(runs, target)
    return write_comparison(comparison, Path(out) if out is not None else folder)


def collect(runs: OneOrMore, target: str | None = None) -> tuple[Comparison, Path]:
    """Read what is to be compared, and where it is written when nothing else is said."""
    folders = [_folder(run) for run in path_list("runs", runs)]
    records = [_record(folder) for folder in folders]
    alone = records[0] if len(records) == 1 else None
    groups: list[Group] = []
    for folder, record, name in zip(folders, records, _names(folders, records), strict=True):
        if record is None:
            groups.append(Group(name=name, runs=[_read_run(folder)]))
        else:
            groups += _arms(folder, record, "" if alone is not None else f"{name}/")
    if not groups:
        raise CheckpointError(f"{folders[0]}: no run of it is finished: maze-rl experiments run {folders[0].name}.")
    control = None if alone is None else alone["control"]
    names = [group.name for group in groups]
    if target is not None and target not in names:
        raise unknown_name("target", target, names)
    chosen = longest(groups, control) if target is None else groups[names.index(target)]
    if alone is None:
        title = " against ".join(names) if len(names) < 4 else f"{len(names)} runs"
        return Comparison(title=title, groups=groups, target=chosen), RUNS.parent / COMPARISON
    _, _, text = alone["text"].partition("\n")
    comparison = Comparison(
        title=f"{alone['name']}: {alone['question']}",
        groups=groups,
        target=chosen,
        control=control,
        shams=alone["shams"],
        judged=alone["judged"],
        text=text.strip(),
    )
    return comparison, folders[0] / COMPARISON


def _folder(run: Path) -> Path:
    """Return the folder of a run or an experiment."""
    for folder in (run, RUNS / run):
        if (folder / RECORD).is_file() or (folder / "config.json").is_file():
            return folder
    raise ConfigurationError(
        f"{run}: neither the folder of a run or an experiment, nor an experiment that was run into {RUNS}: give "
        "folders that `maze-rl train` or `maze-rl experiments run` wrote."
    )


def _record(folder: Path) -> dict[str, Any] | None:
    """Return what an experiment's folder says of it; None for a plain run."""
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise CheckpointError(f"{path}: the file is truncated or altered (it is no JSON).") from error


def _names(folders: Sequence[Path], records: Sequence[dict[str, Any] | None]) -> list[str]:
    """Name runs after their folders, and experiments as their records do, wherever they were run."""
    places = [folder.resolve().parts[1:] for folder in folders]
    return distinct_names(
        [
            place if record is None else (*place[:-1], record["name"])
            for place, record in zip(places, records, strict=True)
        ]
    )


def _arms(folder: Path, record: dict[str, Any], prefix: str) -> list[Group]:
    """Return the arms that have a finished run, with their finished runs."""
    groups = []
    for arm in record["arms"]:
        seeds = sorted((folder / arm).glob("seed-*"), key=lambda path: int(path.name.removeprefix("seed-")))
        runs = [_read_run(path) for path in seeds if read_measures(path) and not (path / FAILURE).exists()]
        failed = sum((path / FAILURE).exists() for path in seeds)
        if runs:
            groups.append(Group(name=prefix + arm, runs=runs, failed=failed))
    return groups


def _read_run(folder: Path) -> SeedRun:
    run = RunFolder(folder)
    metrics = run.read_metrics()
    if not metrics:
        raise CheckpointError(f"{run.metrics_path}: the file is missing or empty, so there is nothing to compare.")
    measured = {name: value for values in read_measures(folder).values() for name, value in values.items()}
    trained, folded = _num_parameters(folder)
    config = run.read_config()
    return SeedRun(
        seed=config["seed"],
        config=config,
        metrics=metrics,
        measures=measured,
        trained_parameters=trained,
        folded_parameters=folded,
    )


def _num_parameters(folder: Path) -> tuple[int | None, int | None]:
    """Return how many parameters training changed, and how many the saved model has; None for an unfinished run."""
    path = folder / MODEL
    if not (path.is_file() and (folder / WEIGHTS).is_file()):
        return None, None
    model = json.loads(path.read_text())
    return model["about"]["num_parameters"], _num_weights(folder / WEIGHTS, model["model"]["positions"] == "none")


def _num_weights(path: Path, no_positions: bool) -> int:
    """Count the weights in a safetensors file by its header: 8 bytes of length, then JSON with a shape per tensor.

    Causal masks and other constants are not counted, nor the zeros that stand where a model has no positions.
    """
    with path.open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    constants = (".mask", ".IGNORE", "rotary_sin", "rotary_cos", *(["pos_embed.W_pos"] if no_positions else []))
    tensors = (value for name, value in header.items() if name != "__metadata__" and not name.endswith(constants))
    return sum(prod(tensor["shape"]) for tensor in tensors)
