"""The training half of `maze-rl train`: fresh mazes in, a saved model out."""

import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from maze_rl.configs.cautions import cautions
from maze_rl.configs.longer_run import lengthened, taught_steps
from maze_rl.configs.training import OPTIMIZERS, Phase, RunConfig, TrainingConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import Caution, CheckpointError, MazeRLError
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.devices import check_device
from maze_rl.models.model_files import load_model, save_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.checkpoints import checkpoint_steps, load_checkpoint, save_checkpoint
from maze_rl.training.learning_rates.schedule_free import averaged
from maze_rl.training.state import TrainingState, new_state
from maze_rl.training.trainer import Callbacks, train
from maze_rl.training.update_rules.applied_scale import scale_lost
from maze_rl.training.validation import validator
from maze_rl.workflows.run_card import run_html
from maze_rl.workflows.run_folder import RunFolder, versions
from maze_rl.workflows.run_lock import held_alone
from maze_rl.workflows.run_place import check_begun, check_free
from maze_rl.workflows.start_model import START, begin_with_start

Progress = Callable[[str, float, dict[str, Any]], None]
"""(what is being done, share done 0..1, newest numbers)."""


@dataclass(frozen=True)
class Run(Shown):
    """A finished or interrupted run."""

    folder: Path
    steps: int

    def _repr_html_(self) -> str:
        return run_html(self.folder)

    def model(self) -> torch.nn.Module:
        """Load the trained model."""
        return load_model(self.folder)


def train_run(
    config: RunConfig,
    out: str | PathLike[str],
    *,
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "maze_rl.workflows.train.train_run(...)",
    record: Mapping[str, Any] = MappingProxyType({}),
) -> Run:
    """Train to the end of the last phase and save the folded model; no evaluation.

    Args:
        config: The run; when resuming it must equal the one on disk, or be that with a longer last phase.
        out: The run's folder.
        resume: Continue from the newest checkpoint of `out`.
        progress: Called after every step.
        command: What started the run, for its record.
        record: What else to write down in ``config.json`` when it begins.

    Raises:
        MazeRLError: A setting, a file of the run, or the training itself is at fault.
        TrainingInterrupted: Ctrl-C; the state was saved.
    """
    out = Path(out)
    device = check_device(config.device)
    run = RunFolder(out)
    with ExitStack() as alone:
        if resume:
            check_begun(out)
            alone.enter_context(held_alone(out))
        longer = _open(run, config, resume)
        tokenization = Tokenization(config.tokenization)
        model = build_model(config.model, tokenization, seed=config.seed, device=device)
        before = begin_with_start(model, config, run, resume)
        state = new_state(model, config.training, config.seed)
        if not resume:
            of_start = {START: before} if before else {}
            run.create(config, command, **record, **of_start)  # only now: what is refused leaves no folder behind
            alone.enter_context(held_alone(out))
        _warn(state, config.training)
        if resume:
            load_newest(state, config.training, run)
        if longer:
            run.lengthen(config, command)
        begun = state.step
        algorithms = _algorithms(config)  # datasets may be gone when it ends
        try:
            train(state, config.training, _callbacks(config, run, progress))
        except MazeRLError as error:
            if not (resume or isinstance(error, CheckpointError)):
                run.discard_unused()  # what is only seen at the first step
            raise
        with averaged(state.optimizer):
            model, by_loops = with_best_loops(state.model, config)
            save_model(model, out, _about(config, state, out, algorithms, before) | by_loops)
        if state.step > begun:
            run.evaluation_path.unlink(missing_ok=True)  # it was of an earlier model
    return Run(out, state.step)


def _open(run: RunFolder, config: RunConfig, resume: bool) -> bool:
    """Check that a run can begin here, or go on; return whether the one on disk is to have more steps than it has."""
    if not resume:
        check_free(run.folder)
        return False
    saved = run.open()
    run.tidy()
    if len(saved.training.phases) == len(config.training.phases):
        steps = taught_steps(config)
        if steps > taught_steps(saved) and lengthened(saved, steps) == config:
            return True
    run.open(config)
    return False


def _warn(state: TrainingState, config: TrainingConfig) -> None:
    """Say of settings that hardly do what they seem to."""
    optimizer = config.optimizer.strip()
    known = optimizer if optimizer in OPTIMIZERS else type(state.optimizer).__name__
    lost = scale_lost(state.update_rule, known, config.accumulation)
    for caution in (*cautions(config), *filter(None, [lost])):
        warnings.warn(caution, Caution, stacklevel=3)


def with_best_loops(model: MazeTransformer, config: RunConfig) -> tuple[MazeTransformer, dict[str, Any]]:
    """Return a trained model with the loops that serve it best on validation mazes, and what was measured.

    Tried are as many loops as the model was built with, half as many more, and twice as many. Taken are the fewest
    whose rate of solved mazes is within one standard error of the best (the rule of Breiman et al. 1984,
    Classification and Regression Trees): every loop costs time, and one maze of a hundred tells nothing.
    A model without loops is returned as it is.
    """
    built = config.model.loops
    if built is None:
        return model, {}
    validate = validator(config.training, model.tokenization, config.seed)
    exact: dict[int, float] = {}
    for loops in sorted({built, built * 3 // 2, built * 2}):
        found = validate(model.with_loops(loops)).get("validation_exact")
        if found is None:  # such mazes are too small to hold some back
            return model, {}
        exact[loops] = found
    most = max(exact.values())
    standard_error = (most * (1 - most) / config.training.validation_mazes) ** 0.5
    best = min(loops for loops, rate in exact.items() if rate >= most - standard_error)
    return model.with_loops(best), {"validation_exact_by_loops": {str(loops): rate for loops, rate in exact.items()}}


def load_newest(state: TrainingState, config: TrainingConfig, run: RunFolder) -> None:
    """Fill `state` from the newest checkpoint and drop later metrics; without one, training starts anew.

    Raises:
        CheckpointError: The newest checkpoint is damaged; names the file. Nothing on disk is changed.
    """
    steps = checkpoint_steps(run.checkpoints)
    if steps:
        try:
            load_checkpoint(state, config, run.checkpoints / str(steps[-1]))
        except CheckpointError as error:
            older = f" or remove that folder to continue from step {steps[-2]}" if len(steps) > 1 else ""
            raise CheckpointError(f"{error} Restore the file{older}.") from error
    run.cut_metrics(state.step)


def _callbacks(config: RunConfig, run: RunFolder, progress: Progress | None) -> Callbacks:
    def on_row(row: dict[str, Any]) -> None:
        run.append_metrics(row)
        if "ended" in row:
            warnings.warn(row["ended"], Caution, stacklevel=2)
        if "spin_end" in row and "alarm" in row:
            warnings.warn(f"round {row['spin_end']['round']}: {row['alarm']}", Caution, stacklevel=2)
        if progress is not None:
            progress("training", row["step"] / config.training.steps, row)

    def on_pairs(number: int, done: float) -> None:
        if progress is not None:
            progress(f"pairs of round {number}", done, {})

    return Callbacks(
        on_row=on_row,
        on_pairs=on_pairs,
        validate=validator(config.training, Tokenization(config.tokenization), config.seed),
        save=lambda state: save_checkpoint(state, run.checkpoints) and None,
    )


def _supervised(config: RunConfig) -> Phase:
    """Return the last phase that learns from the mazes' paths, whose loss the model is said to have."""
    taught = [phase for phase in config.training.phases if phase.spin is None]
    return taught[-1] if taught else config.training.phases[-1]


def _algorithms(config: RunConfig) -> set[str]:
    """Return the generators of all mazes trained on; of a dataset that does not say, that of its phase's mazes."""
    found = set()
    for phase in config.training.phases:
        specs = [open_dataset(each.folder).spec for each in phase.datasets] or [phase.mazes]
        found |= {(phase.mazes if spec is None else spec).algorithm for spec in specs}
    return found


def _about(
    config: RunConfig, state: TrainingState, out: Path, algorithms: set[str], before: dict[str, Any]
) -> dict[str, Any]:
    """Return what the finished model says of itself; a model that goes on from another has seen what that one saw."""
    last, loss = config.training.phases[-1].mazes, config.training.loss_at(_supervised(config))
    return {
        "name": out.resolve().name,  # that of "." too
        "sizes": sorted({*config.sizes, *before.get("sizes", ())}),
        "algorithm": last.algorithm,
        "options": dict(last.options),
        "algorithms": sorted({*algorithms, *before.get("algorithms", ())}),
        "loss": loss,
        "steps": state.step,
        "mazes": state.mazes,
        "tokens": state.tokens,
        "leaks": state.leaks,
        "longest_path": max(state.longest_path, before.get("longest_path", 0)),
        "seconds": state.seconds,
        "seed": config.seed,
        "num_parameters": sum(weight.numel() for weight in state.model.parameters() if weight.requires_grad),
        "versions": versions(),
    }
