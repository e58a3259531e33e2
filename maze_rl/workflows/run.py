"""Train, evaluate, report: the main job in one call; what `maze-rl train` does."""

from collections.abc import Mapping
from dataclasses import fields, replace
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Any

from maze_rl.configs.changes import FLAG_NAMES, change_run, renamed
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.options import OptionValue, check_count
from maze_rl.configs.plans import check_alone, check_steps, planned, shares_steps
from maze_rl.configs.presets import TakenModel, default_run, training_mazes
from maze_rl.configs.ranges import AnySizes, check_squares
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import DataFolder, RunConfig, StartModel, TrainingConfig
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.models.devices import default_device
from maze_rl.models.digest import weights_digest
from maze_rl.models.model_files import load_to_train
from maze_rl.training.trainer import TrainingInterrupted
from maze_rl.workflows.evaluate import TRAIN_MAZES, evaluate
from maze_rl.workflows.progress import Progress, shown
from maze_rl.workflows.report import report
from maze_rl.workflows.resumed import EVALUATION_MAZES, evaluation_mazes_of, resumed
from maze_rl.workflows.run_folder import RunFolder
from maze_rl.workflows.train import Run, train_run


def train(
    sizes: AnySizes | None = None,
    loss: str = "path_only",
    *,
    algorithm: str | None = None,
    options: Mapping[str, OptionValue] | None = None,
    update_rule: str = "every_step",
    lr_controller: str = "none",
    rounds: int = 0,
    round_steps: int | None = None,
    lora: int | None = None,
    start_from: str | PathLike[str] | None = None,
    data: str | PathLike[str] | None = None,
    plan: str | PathLike[str] | None = None,
    steps: int | None = None,
    num: int | None = None,
    seed: int = 0,
    out: str | PathLike[str] = "runs/default",
    device: str | None = None,
    config: RunConfig | None = None,
    resume: bool = False,
    progress: Progress | bool = True,
    command: str = "maze_rl.train(...)",
    **changes: Any,
) -> Run:
    """Train a model, evaluate it on held-out mazes, write its report; the same as ``maze-rl train``.

    Every flag of the command is an argument here, ``--batch-size`` as `batch_size`; those that are not listed below
    are among the `changes`.

    Args:
        sizes: Cells per side of the training mazes, as ``"5..9"``, ``range(5, 10)`` or 7; None for those of
            `start_from`, or 5 to 9.
        loss: Named loss, one of `maze_rl.configs.losses.LOSSES`, e.g. ``graded:0.1``.
        algorithm: Maze generator; None for that of `start_from` with its options, or depth-first search.
        options: Settings of the generator, e.g. ``{"percolation": 0.2}``.
        update_rule: One of `maze_rl.configs.update_rules.UPDATE_RULES`.
        lr_controller: One of `maze_rl.configs.learning_rates.CONTROLLERS`.
        rounds: Rounds of self-play (SPIN) after the supervised steps.
        round_steps: Steps of a round; None for a twentieth of the others, at least 10.
        lora: Rank of adapters to train alone: in the rounds, or, without rounds, all the time.
        start_from: A trained model to go on from: its weights, shape and tokens.
        data: A dataset folder to train on, in its order; then its sizes and algorithm are taken, where it names them.
        plan: Phases, by a name of `maze_rl.configs.named_plans` or as a file that `maze_rl.configs.plans` describes; in
            place of `rounds`, `lora`, `data`, and of `steps` where its phases do not share them.
        steps: Optimizer steps; None for the default budget of the device.
        num: Mazes per size in the evaluation; 0 leaves it and the report out; None for 500, or, when resuming, for what
            the run was begun with.
        seed: Seed of everything; 0 or more.
        out: The run's folder.
        device: `cpu` or `cuda`; None for CUDA where there is one.
        config: A complete configuration, in place of all arguments but `num`, `out`, `resume`, `progress`, `command`.
        resume: Continue the run in `out`, with its settings; with more `steps` than it has its last phase goes on.
        progress: True shows what the command shows, on the error stream: a bar in a terminal or a notebook, a line for
            every twentieth where it goes to a file, as trainers of other libraries do. False shows nothing. A function
            of your own is called after every step with (what, share done, newest numbers).
        command: What started the run, for its record.
        **changes: More settings by name, fields of `TrainingConfig`, `TokenizationConfig` or `ModelConfig`:
            ``optimizer="adamw", batch_size=128, layers=4, tokenizer="edges"``. None goes with `config`.

    Raises:
        MazeRLError: A setting or a file is at fault, or the training diverged.
        TrainingInterrupted: Ctrl-C, which is a `KeyboardInterrupt`: the state was saved, and the message says how to go
            on.
    """
    num = None if num is None else check_count("num", num, 0)
    asked = {
        "sizes": None if sizes is None else check_squares(sizes),
        "algorithm": algorithm,
        "options": options,
        "data": data,
        "plan": plan,
        "start_from": start_from,
        "seed": seed,
        "device": device,
        "loss": loss,
        "rounds": rounds,
        "round_steps": round_steps,
        "lora": lora,
        "update_rule": update_rule,
        "lr_controller": lr_controller,
        **renamed(changes),
    }
    if config is None:
        config = _resumed(Path(out), steps, asked) if resume else configured(steps=steps, **asked)
    elif named := _given({"steps": steps} | asked):
        raise ConfigurationError(f"{named[0]} contradicts config, which is complete: change it there.")
    if num is None:
        num = evaluation_mazes_of(out, TRAIN_MAZES) if resume else TRAIN_MAZES
    with shown(progress) as say:
        run = _trained(config, Path(out), resume, say, command, num)
        if num:
            _evaluated(run, num, say)
    return run


def _trained(config: RunConfig, out: Path, resume: bool, progress: Progress, command: str, num: int) -> Run:
    """Train; Ctrl-C says how to go on."""
    try:
        record = {EVALUATION_MAZES: num}
        return train_run(config, out, resume=resume, progress=progress, command=command, record=record)
    except TrainingInterrupted as stop:
        saved = f"saved at step {stop.step} of {config.training.steps}"
        raise TrainingInterrupted(stop.step, f"{saved}. To go on: {_again(out)}") from stop


def _evaluated(run: Run, num: int, progress: Progress) -> None:
    """Evaluate and report; Ctrl-C says how to go on."""
    try:
        evaluate_and_report(run.folder, num, progress)
    except KeyboardInterrupt as stop:
        saved = f"trained to its end, step {run.steps}, and saved, without evaluation and report"
        raise TrainingInterrupted(run.steps, f"{saved}. To go on: {_again(run.folder)}") from stop


def _again(out: Path) -> str:
    """Return the call that goes on with a run."""
    return f"maze_rl.train(resume=True, out={str(out)!r})"


def _resumed(out: Path, steps: int | None, asked: dict[str, Any]) -> RunConfig:
    """Return the configuration of the run in `out`; what is `asked` for beside `steps`, not by default, must be its."""
    named = _given(asked)
    if not named:
        return resumed(out, steps)

    def again(taught: int, in_all: int) -> RunConfig:
        if asked["plan"] is None:
            return configured(steps=taught, **asked)
        return configured(steps=in_all if shares_steps(asked["plan"]) else None, **asked)

    return resumed(out, steps, again, named)


def _given(asked: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that are not as `train` has them by default."""
    usual = {name: parameter.default for name, parameter in signature(train).parameters.items()}
    return [name for name, value in asked.items() if name not in usual or value != usual[name]]


def configured(
    *,
    sizes: AnySizes | None,
    algorithm: str | None,
    options: Mapping[str, OptionValue] | None = None,
    data: str | PathLike[str] | None,
    plan: str | PathLike[str] | None,
    start_from: str | PathLike[str] | None,
    steps: int | None,
    seed: int,
    device: str | None,
    loss: str,
    rounds: int,
    lora: int | None,
    round_steps: int | None = None,
    batch_size: int | None = None,
    accumulation: int = 1,
    **changes: Any,
) -> RunConfig:
    """Return the configuration that the arguments of `train` ask for."""
    _check_names(changes)
    changes = renamed(changes)
    if plan is not None:
        check_alone({"rounds": rounds or None, "round_steps": round_steps, "lora": lora, "data": data})
        check_steps(plan, "steps", steps)
    if start_from is not None:
        for kind in (TokenizationConfig, ModelConfig):
            for name in changes.keys() & {field.name for field in fields(kind)}:
                raise ConfigurationError(f"{name} contradicts start_from, which takes the whole model: leave it out.")
    if sizes is not None:
        sizes = check_squares(sizes)
    taken = None if start_from is None else take_model(start_from)
    mazes = training_mazes(sizes, algorithm, options or {}, taken)
    folder = None
    if data is not None:
        folder, held = training_data(data, mazes)
        given = {"sizes": sizes, "algorithm": algorithm, "options": options}
        mazes = check_wish(mazes, held, data, {name: name for name, value in given.items() if value})
    base = default_run(
        mazes,
        device=device or default_device(),
        seed=seed,
        steps=steps,
        loss=loss,
        data=folder,
        rounds=rounds,
        round_steps=round_steps,
        lora=lora,
        taken=taken,
        batch_size=batch_size,
        accumulation=accumulation,
    )
    if plan is not None:
        changes |= planned(plan, base.training, mazes, plan_data)
    return change_run(base, **changes)


def _check_names(changes: Mapping[str, Any]) -> None:
    """Check that there are settings of these names; one that is near may be an argument of `train` itself."""
    kinds = (TrainingConfig, TokenizationConfig, ModelConfig)
    settings = {*FLAG_NAMES, *(field.name for kind in kinds for field in fields(kind))}
    for name in changes:
        if name not in settings:
            raise unknown_name("setting", name, settings | set(signature(train).parameters) - {"changes"})


def take_model(name: str | PathLike[str]) -> TakenModel:
    """Return a trained model as a run goes on from it: with its weights, its tokens and its shape.

    Raises:
        MazeRLError: There is no such model, or a file of it is damaged.
    """
    model = load_to_train(name)
    if not hasattr(model, "maze_config"):
        raise ConfigurationError(
            f"{name} is a model of another shape (its own HookedTransformerConfig), which training does not build: "
            "start from a model that maze-rl train or maze_rl.build_model made."
        )
    place = str(Path(name).resolve() if Path(name).is_dir() else Path(name))
    start = StartModel(model=place, digest=weights_digest(model))
    about = model.about
    mazes = MazeSpec(
        sizes=tuple(about.get("sizes") or (model.tokenization.canvas,)),
        algorithm=about.get("algorithm", "dfs"),
        options=about.get("options", {}),
        split="train",
    )
    return TakenModel(start=start, tokenization=model.tokenization.config, model=model.maze_config, mazes=mazes)


def plan_data(folder: str, mazes: MazeSpec) -> tuple[DataFolder, MazeSpec, int]:
    """Return a dataset that a plan names, the specification of its mazes, and how many are for training."""
    data, held = training_data(folder, mazes)
    return data, held, len(open_dataset(folder).rows_of("train"))


def training_data(folder: str | PathLike[str], mazes: MazeSpec) -> tuple[DataFolder, MazeSpec]:
    """Return a dataset as a source of training mazes, and the specification it was made by.

    Where the dataset was not generated here, that is `mazes` with the sizes the dataset has.

    Raises:
        MazeRLError: There is no such dataset, or a file of it is damaged.
    """
    stored = open_dataset(folder)
    if len(stored.rows_of("train")) == 0:
        raise ConfigurationError(f"{folder}: none of its mazes belongs to the train split.")
    data = DataFolder(folder=str(Path(folder).resolve()), content=stored.content)
    return data, replace(stored.spec or replace(mazes, sizes=tuple(stored.shapes)), split="train")


def check_wish(wished: MazeSpec, held: MazeSpec, folder: str | PathLike[str], called: Mapping[str, str]) -> MazeSpec:
    """Return what a dataset has, where what was asked for of its mazes is that.

    Args:
        wished: The mazes asked for.
        held: Those of the dataset, as `training_data` returns them.
        folder: Where it lies.
        called: The fields that were given, each with what it was called there.

    Raises:
        ConfigurationError: The dataset has other mazes than were asked for; names the setting.
    """
    for name, flag in called.items():
        wish, has = (getattr(each, name) for each in (wished, held))
        same = {*wish} == {*has} if name == "sizes" else wish == has
        if not same:
            raise ConfigurationError(f"{flag} {wish} contradicts {folder}, which has {has}: leave it out.")
    return held


def evaluate_and_report(folder: str | PathLike[str], num: int, progress: Progress | None = None) -> Path:
    """Evaluate the finished run in `folder`, save ``evaluation.json`` and write the report; return its page."""
    say = None if progress is None else lambda doing, done: progress("evaluating", done, {"doing": doing})
    result = evaluate(folder, num=num, device=RunFolder(folder).open().device, progress=say)
    RunFolder(folder).write_evaluation(result.to_json())
    return report([folder], num=num, progress=say)
