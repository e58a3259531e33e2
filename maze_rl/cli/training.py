"""The command `train`."""

import argparse
import shlex
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maze_rl.cli.ctrl_c import unwrapped
from maze_rl.cli.given_paths import check_folder
from maze_rl.configs.changes import FLAG_NAMES, change_run
from maze_rl.configs.devices import check_device_name
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import parse_option
from maze_rl.configs.plans import check_alone, check_steps, planned, shares_steps
from maze_rl.configs.presets import TakenModel, default_run, training_mazes
from maze_rl.configs.ranges import parse_squares
from maze_rl.configs.training import DataFolder, Phase, RunConfig, TrainingConfig, least_and_most
from maze_rl.errors import Caution, ConfigurationError
from maze_rl.models.places import find_model
from maze_rl.strict_json import json_text
from maze_rl.workflows.run_place import check_begun, check_free

_SHAPE = (
    "tokenizer",
    "canvas",
    "origin",
    "path",
    "positions",
    "prompt",
    "embedding",
    "loops",
    "layers",
    "d_model",
    "heads",
    "parametrizations",
    "value_norm",
    "reverse_positions",
    "reverse_form",
    "memory",
    "memory_kind",
)
"""Flags that are settings of the network or the tokens."""
_TRAINING = (
    "schedule",
    "learning_rate",
    "starts",
    "stray_tokens",
    "mazes_per_canvas",
    "weight_factors",
)
"""Flags that are settings of the training."""
_REPEATED = ("options", "parametrizations", "weight_factors")


def train(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl train``."""
    # Settings are checked before torch is imported, so that a typing error answers at once.
    config = _to_continue(chosen) if chosen.resume else _to_begin(chosen)
    from maze_rl.cli.progress import progress_bar
    from maze_rl.models.devices import default_device
    from maze_rl.training.trainer import TrainingInterrupted
    from maze_rl.workflows.resumed import evaluation_mazes_of
    from maze_rl.workflows.run import train as train_and_report

    if not chosen.resume and chosen.device is None and default_device() != "cpu":
        config = run_config(chosen, default_device())
    num = chosen.num if "num" in chosen.given or not chosen.resume else None  # else what the run was begun with
    resume = shlex.join(["maze-rl", "train", "--resume", "--out", chosen.out])
    try:
        with unwrapped(), progress_bar(quiet=chosen.json) as bar:
            run = train_and_report(
                config=config,
                out=chosen.out,
                resume=chosen.resume,
                num=num,
                progress=bar,
                command=chosen.command_line,
            )
    except TrainingInterrupted as stop:
        print(f"\nsaved at step {stop.step} of {config.training.steps}. To go on: {resume}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print(f"\nstopped; what {chosen.out} holds is kept. To go on: {resume}", file=sys.stderr)
        return 130
    _print_result(chosen, run.folder, evaluation_mazes_of(run.folder, chosen.num) if num is None else num)
    return 0


def _to_begin(chosen: argparse.Namespace) -> RunConfig:
    """Return the configuration of a new run, where --out is free for one; say what follows from the flags given."""
    check_free(Path(chosen.out))
    config = run_config(chosen, chosen.device or "cpu")
    follows = [] if chosen.start_from is not None else list(_what_follows(chosen, config))
    if follows:
        warnings.warn(f"what was asked for also sets {', '.join(follows)}.", Caution, stacklevel=2)
    return config


def _what_follows(chosen: argparse.Namespace, config: RunConfig) -> Iterator[str]:
    """Yield the flags that were not given and have another value than usual, as others cannot go with that."""
    usual = default_run(MazeSpec(sizes=config.sizes, split="train"), device=config.device)
    parts = [(run.training, run.tokenization, run.model) for run in (config, usual)]
    for flag in (*_SHAPE, *_TRAINING):
        name = FLAG_NAMES.get(flag, flag)
        new, old = (next(getattr(part, name) for part in run if hasattr(part, name)) for run in parts)
        if new != old and flag not in chosen.given:
            yield f"{_flag(flag)} {_in_words(new)} (usually {_in_words(old)})"


def run_config(chosen: argparse.Namespace, device: str) -> RunConfig:
    """Return the configuration the flags ask for on `device`.

    Raises:
        MazeRLError: A flag is out of range or names something unknown.
    """
    _check_num(chosen)
    if chosen.plan is not None:
        check_alone(
            {
                "--rounds": chosen.rounds or None,
                "--round-steps": chosen.round_steps,
                "--lora": chosen.lora,
                "--data": chosen.data,
            }
        )
        check_steps(chosen.plan, "--steps", chosen.steps)
    sizes = None if chosen.sizes is None else parse_squares(chosen.sizes)
    options = dict(map(parse_option, chosen.options))
    mazes = training_mazes(sizes, chosen.algorithm, options, None)
    _check_names(chosen, mazes)  # a typing error answers before a model or a dataset is read
    taken = _taken(chosen)
    mazes, data = _data(chosen, training_mazes(sizes, chosen.algorithm, options, taken))
    base = default_run(
        mazes,
        device=device,
        seed=chosen.seed,
        steps=chosen.steps,
        loss=chosen.loss,
        data=data,
        rounds=chosen.rounds,
        round_steps=chosen.round_steps,
        lora=chosen.lora,
        taken=taken,
        batch_size=chosen.batch_size,
        accumulation=chosen.accumulation,
    )
    return change_run(
        base,
        optimizer=chosen.optimizer,
        lr_controller=chosen.lr_controller,
        update_rule=chosen.update_rule,
        **_given(**{name: getattr(chosen, name) for name in _TRAINING}),
        **_training_loops(chosen),
        **_shape(chosen),
        **_plan(chosen, base, mazes),
    )


def _check_names(chosen: argparse.Namespace, mazes: MazeSpec) -> None:
    """Check the names and numbers of the training itself, and that the files to begin from are there."""
    check_device_name(chosen.device or "cpu")
    named = {name: value for name in _TRAINING if (value := getattr(chosen, name)) is not None}
    TrainingConfig(
        phases=(Phase(steps=1, mazes=mazes),),
        loss=chosen.loss,
        optimizer=chosen.optimizer,
        lr_controller=chosen.lr_controller,
        update_rule=chosen.update_rule,
        **named,
    )
    if chosen.start_from is not None:
        find_model(chosen.start_from)
    if chosen.data is not None:
        check_folder(chosen.data)


def _check_num(chosen: argparse.Namespace) -> None:
    if chosen.num < 0:
        raise ConfigurationError(f"--num is {chosen.num}: it must be at least 0.")


def _to_continue(chosen: argparse.Namespace) -> RunConfig:
    """Return the configuration of the run in --out, with more --steps; flags given again must say what it has."""
    _check_num(chosen)
    out = Path(chosen.out)
    check_begun(out)
    from maze_rl.workflows.resumed import resumed
    from maze_rl.workflows.run_folder import OtherSettingsError, RunFolder

    again: set[str] = chosen.given - {"resume", "out", "num", "steps", "json"}
    if not again:
        return resumed(out, chosen.steps)
    begun = _begun_with(out)
    flags = argparse.Namespace(**vars(begun) | {name: getattr(chosen, name) for name in again})

    def asked(taught: int, steps: int) -> RunConfig:
        if flags.plan is None:
            flags.steps = taught
        else:
            flags.steps = steps if shares_steps(flags.plan) else None
        return run_config(flags, flags.device or RunFolder(out).open().device)

    try:
        return resumed(out, chosen.steps, asked, {FLAG_NAMES.get(name, name) for name in again})
    except OtherSettingsError as error:
        has = {name.rpartition(".")[2]: old for name, old, _ in reversed(error.differences)}
        said = [
            f"{_flag(name)} is {_in_words(old)} in the run, {_in_words(wish)} was given"
            for name in sorted(again)
            if (old := has.get(FLAG_NAMES.get(name, name), getattr(begun, name))) != (wish := getattr(chosen, name))
        ]
        raise ConfigurationError(
            f"{out} goes on with the settings it has: {'; '.join(said) or error}. Leave that out, or begin another "
            "run with another --out."
        ) from error


def _flag(name: str) -> str:
    """Write the flag of a setting; one that may be given several times names one of them."""
    return f"--{(name[:-1] if name in _REPEATED else name).replace('_', '-')}"


def _in_words(value: object) -> str:
    """Write a setting as a flag would."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "nothing"
    return "not set" if value is None else str(value)


def _begun_with(out: Path) -> argparse.Namespace:
    """Return the flags of the command that began the run in `out`; the usual ones where that was no command."""
    from maze_rl.cli.arguments import build_parser
    from maze_rl.cli.main import OneLineParser
    from maze_rl.workflows.run_folder import RunFolder

    words = shlex.split(RunFolder(out).read_config().get("command", ""))
    return build_parser(OneLineParser).parse_args(words[1:] if words[:2] == ["maze-rl", "train"] else ["train"])


def _data(chosen: argparse.Namespace, mazes: MazeSpec) -> tuple[MazeSpec, DataFolder | None]:
    """Return what to train on: the stream the flags describe, or a dataset and how it was made."""
    if chosen.data is None:
        return mazes, None
    from maze_rl.workflows.run import check_wish, training_data

    data, held = training_data(chosen.data, mazes)
    called = {name: _flag(name) for name in ("sizes", "algorithm", "options") if getattr(chosen, name)}
    return check_wish(mazes, held, chosen.data, called), data


def _training_loops(chosen: argparse.Namespace) -> dict[str, Any]:
    given = chosen.training_loops
    return {} if given is None else {"training_loops": least_and_most(given)}


def _shape(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of network and tokens that the flags change."""
    return _given(**{name: getattr(chosen, name) for name in _SHAPE})


def _taken(chosen: argparse.Namespace) -> TakenModel | None:
    """Return the trained model that --start-from names."""
    if chosen.start_from is None:
        return None
    for name in _SHAPE:
        if getattr(chosen, name) is not None:
            raise ConfigurationError(
                f"{_flag(name)} contradicts --start-from, which takes the whole model: leave it out."
            )
    from maze_rl.workflows.run import take_model

    return take_model(chosen.start_from)


def _plan(chosen: argparse.Namespace, base: RunConfig, mazes: MazeSpec) -> dict[str, Any]:
    """Return what --plan changes."""
    if chosen.plan is None:
        return {}
    from maze_rl.workflows.run import plan_data

    return planned(chosen.plan, base.training, mazes, plan_data)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _print_result(chosen: argparse.Namespace, folder: Path, num: int) -> None:
    from maze_rl.cli.tables import print_evaluation, warn_of_few_layouts
    from maze_rl.evaluation.saved_results import result_from_json
    from maze_rl.workflows.run_folder import RunFolder

    if not num:
        print(json_text({"run": str(folder)}) if chosen.json else f"run: {folder}")
        return
    files = RunFolder(folder)
    result = result_from_json(files.read_evaluation())
    warn_of_few_layouts(result)
    page = files.report / "report.html"
    if chosen.json:
        print(json_text({"run": str(folder), "report": str(page), "rows": result.flat_rows()}))
        return
    print_evaluation(result)
    print(f"run:    {folder}\nreport: {page.resolve()}")
