"""Training plans: a run's phases, by name or as a JSON file people write, each with sizes, algorithm, loss and data.

{"phases": [{"name": "small", "steps": 300, "sizes": "3..4"},
{"name": "large", "steps": 600, "sizes": "5..9", "algorithm": "wilson", "loss": "graded:0.1"},
{"name": "own", "epochs": 0.5, "data": "data/mazes", "restart": true, "rate": 0.3},
{"name": "both", "epochs": 1, "data": ["data/mazes", "data/others"]},
{"name": "play", "steps": 100, "spin": {"samples": 2}}]}

In place of "steps" every phase may have a "share" of the steps of the run, as those that ship do (`named_plans.py`).
Of several datasets mazes are taken in turn, one of each; an epoch then lasts until the largest is through, and the
smaller ones begin again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from itertools import accumulate
from os import PathLike
from pathlib import Path
from typing import Any

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.named_plans import PLANS
from maze_rl.configs.options import Option, is_count, is_number
from maze_rl.configs.presets import most_prompts, warmup_of
from maze_rl.configs.ranges import parse_squares
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.training import DataFolder, Phase, TrainingConfig
from maze_rl.errors import ConfigurationError, MazeRLError, UnknownNameError, unknown_name

OpenData = Callable[[str, MazeSpec], tuple[DataFolder, MazeSpec, int]]
"""(folder, mazes) -> the dataset, the specification of its mazes, and how many of them are for training."""


def _is_folders(value: object) -> bool:
    named = [value] if isinstance(value, str) else value
    return isinstance(named, list) and bool(named) and all(isinstance(folder, str) for folder in named)


_OF_PHASE: dict[str, Option] = {
    "name": Option("", lambda value: isinstance(value, str), "a word"),
    "steps": Option(None, is_count, "a whole number, at least 1"),
    "share": Option(None, lambda value: is_number(value, 1e-9, 1), "a share of the run's steps, above 0 and at most 1"),
    "loss": Option(None, lambda value: isinstance(value, str), "the name of a loss"),
    "rate": Option(1.0, is_number, "a factor above 0"),
    "restart": Option(False, lambda value: isinstance(value, bool), "true or false"),
    "lora": Option(None, is_count, "the rank of the adapters, at least 1"),
    "spin": Option(None, lambda value: isinstance(value, dict), 'settings of a round, as {"samples": 2}'),
}
_OF_MAZES: dict[str, Option] = {
    "sizes": Option(None, lambda value: isinstance(value, str | int), 'sizes as "5..9" or "4,6"'),
    "algorithm": Option(None, lambda value: isinstance(value, str), "the name of a maze algorithm"),
    "options": Option(None, lambda value: isinstance(value, dict), 'options of the algorithm, as {"percolation": 0.2}'),
}
_OF_DATA: dict[str, Option] = {
    "data": Option(None, _is_folders, "the folder of a dataset, or a list of folders"),
    "epochs": Option(None, lambda value: is_number(value, 1e-9, 1e9), "a number above 0"),
}
_FIELDS = _OF_PHASE | _OF_MAZES | _OF_DATA


def check_alone(beside: Mapping[str, object]) -> None:
    """Check that nothing is given beside a plan which its phases have themselves.

    Args:
        beside: Settings by name; None for what was not given.

    Raises:
        ConfigurationError: Names the first that was.
    """
    for name, value in beside.items():
        if value is not None:
            raise ConfigurationError(f"{name} contradicts the plan, whose phases say that themselves: leave it out.")


def check_steps(plan: str | PathLike[str], name: str, steps: int | None) -> None:
    """Check that steps are given only beside a plan that shares them.

    Args:
        plan: Name or file.
        name: What the steps are called where they were given.
        steps: Steps in all; None where they are not given.

    Raises:
        MazeRLError: They contradict the plan, or it is none.
    """
    if steps is not None and not shares_steps(plan):
        raise ConfigurationError(
            f'{name} contradicts the plan, whose phases have steps of their own: leave it out, or give them a "share".'
        )


def shares_steps(plan: str | PathLike[str]) -> bool:
    """Tell whether the phases of a plan, a name or a file, share the steps of a run.

    Raises:
        MazeRLError: There is no such plan.
    """
    return any(isinstance(phase, dict) and "share" in phase for phase in _written(plan_text(plan)))


def plan_text(plan: str | PathLike[str]) -> str:
    """Return the JSON of a plan.

    Args:
        plan: A name of `PLANS`, or a file. A file of such a name needs its folder: ``./two_losses``.

    Raises:
        UnknownNameError: It is no such name, and does not look like a file.
        ConfigurationError: The file cannot be read.
    """
    if plan in PLANS:
        return json.dumps({"phases": PLANS[str(plan)].phases})
    file = Path(plan)
    if isinstance(plan, str) and not file.exists() and plan == file.stem:
        raise UnknownNameError(f"{unknown_name('plan', plan, PLANS)} Or name a file, as plan.json.")
    try:
        return file.read_text(encoding="utf-8-sig")  # some editors write a mark before the text
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: the plan is no text in UTF-8 ({error.reason}).") from error
    except OSError as error:
        raise ConfigurationError(f"{file}: the plan cannot be read ({error.strerror}).") from error


def planned(
    plan: str | PathLike[str], training: TrainingConfig, mazes: MazeSpec, open_data: OpenData
) -> dict[str, Any]:
    """Return what a plan changes in a training: its phases, and the warm-up that fits them.

    Args:
        plan: Name or file.
        training: What is to change; its steps are those that phases share.
        mazes: What a phase trains on where it does not say.
        open_data: Looks up a dataset.

    Raises:
        MazeRLError: It is no plan.
    """
    batch = training.batch_size * training.accumulation
    phases = plan_phases(plan_text(plan), mazes, batch, open_data, training.steps)
    return {"phases": phases, "warmup_steps": warmup_of(sum(phase.steps for phase in phases))}


def plan_phases(
    text: str, mazes: MazeSpec, batch: int, open_data: OpenData, steps: int | None = None
) -> tuple[Phase, ...]:
    """Read the phases of a plan.

    Args:
        text: The JSON.
        mazes: What a phase trains on where it does not say.
        batch: Mazes of an optimizer step, to turn epochs (any fraction) into steps.
        open_data: Looks up a dataset.
        steps: What phases share; None where they may not.

    Raises:
        MazeRLError: The text is no plan; names the phase and the field.
    """
    phases = list(enumerate(_written(text), 1))
    for number, values in phases:
        _check_phase(number, values)
    shared = _shared([values for _, values in phases], steps)
    return tuple(_phase(number, shared[number - 1], mazes, batch, open_data) for number, _ in phases)


def _written(text: str) -> list[Any]:
    """Return the phases as they are written."""
    try:
        plan = json.loads(text, object_pairs_hook=_without_repetition)
    except MazeRLError:
        raise
    except ValueError as error:
        raise ConfigurationError(f"the plan is no JSON: {error}.") from error
    if not isinstance(plan, dict) or set(plan) != {"phases"} or not isinstance(plan["phases"], list):
        raise ConfigurationError('a plan is {"phases": [...]} and nothing else: a list of phases.')
    return plan["phases"]


def _shared(phases: list[dict[str, Any]], steps: int | None) -> list[dict[str, Any]]:
    """Return phases with steps in place of their shares; together they have exactly `steps`."""
    shares = [float(phase.get("share", 0)) for phase in phases]
    if not any(shares):
        return phases
    if steps is None or 0 in shares or abs(sum(shares) - 1) > 1e-6:
        raise ConfigurationError(
            f'the phases have the shares {shares} of the run: give every one a "share", 1 in all, or every one "steps".'
        )
    ends = [round(steps * end) for end in accumulate(shares)]
    sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    if min(sizes) < 1:
        raise ConfigurationError(
            f"{steps} steps are too few for the {len(phases)} phases of the plan: give more (--steps)."
        )
    return [
        {name: value for name, value in phase.items() if name != "share"} | {"steps": size}
        for phase, size in zip(phases, sizes, strict=True)
    ]


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of JSON; of a field given twice, JSON would take the last without a word."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"the plan gives {name!r} twice in one place: {dict(pairs)}.")
    return dict(pairs)


def _check_phase(number: int, values: Any) -> None:
    """Check the fields of a phase as it is written."""
    if not isinstance(values, dict):
        raise ConfigurationError(f'phase {number} of the plan is {values!r}: write {{"steps": 100, ...}}.')
    what = _called(number, values)
    for name, value in values.items():
        if name not in _FIELDS:
            raise unknown_name(f"field of {what}", name, _FIELDS)
        if not _FIELDS[name].allows(value):
            raise ConfigurationError(f"{what} of the plan: {name} is {value!r}: expected {_FIELDS[name].expected}.")
    if sum(name in values for name in ("steps", "share", "epochs")) != 1 or (
        "epochs" in values and "data" not in values
    ):
        raise ConfigurationError(
            f'{what} of the plan: write "steps", or "share", or "epochs" where the phase has "data".'
        )


def _called(number: int, values: dict[str, Any]) -> str:
    return f"phase {number}" + (f" ({values['name']})" if "name" in values else "")


def _phase(number: int, values: dict[str, Any], mazes: MazeSpec, batch: int, open_data: OpenData) -> Phase:
    try:
        return _built(values, mazes, batch, open_data)
    except MazeRLError as error:
        raise type(error)(f"{_called(number, values)} of the plan: {error}") from error


def _built(values: dict[str, Any], mazes: MazeSpec, batch: int, open_data: OpenData) -> Phase:
    spec = {name: values[name] for name in _OF_MAZES if name in values}
    if "sizes" in spec:
        spec["sizes"] = parse_squares(str(spec["sizes"]))
    if "algorithm" in spec:
        spec.setdefault("options", {})  # those of the run's algorithm mean nothing to another
    mazes, data = replace(mazes, **spec), None
    settings = {name: values[name] for name in _OF_PHASE if name in values}
    if "data" in values:
        if spec:
            raise ConfigurationError(f'"data" brings its own mazes: leave out {", ".join(values.keys() & _OF_MAZES)}.')
        datasets, mazes, epoch = _datasets(values["data"], mazes, open_data)
        data, settings["interleaved"] = datasets[0], datasets[1:]
        if "epochs" in values:
            settings["steps"] = max(1, round(values["epochs"] * epoch / batch))
    if "spin" in settings:
        settings["spin"] = _spin({"prompts": most_prompts(settings["steps"], batch)} | settings["spin"])
    return Phase(mazes=mazes, data=data, **settings)


def _datasets(
    named: str | list[str], mazes: MazeSpec, open_data: OpenData
) -> tuple[tuple[DataFolder, ...], MazeSpec, int]:
    """Return the datasets of a phase, what validation draws (the first's mazes, of all sizes), and an epoch's mazes."""
    opened = [open_data(folder, mazes) for folder in ([named] if isinstance(named, str) else named)]
    datasets, specs, counts = zip(*opened, strict=True)
    sizes = tuple(dict.fromkeys(size for spec in specs for size in spec.sizes))
    return datasets, replace(specs[0], sizes=sizes), len(counts) * max(counts)


def _spin(values: dict[str, Any]) -> SpinConfig:
    known = [field.name for field in fields(SpinConfig)]
    for name in values:
        if name not in known:
            raise unknown_name("field of spin", name, known)
    return SpinConfig(**values)
