"""The training loop: stretches of phases, batches, steps; and what is recorded of them."""

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from maze_rl.configs.training import Stretch, TrainingConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.models.build import MazeTransformer
from maze_rl.models.verified_files import plain_number
from maze_rl.training.batches import batch_maker
from maze_rl.training.interrupts import Interrupts, interrupts
from maze_rl.training.learning_rates.schedule_free import averaged
from maze_rl.training.rounds import close_round, gone_too_far, nothing_to_learn, open_round
from maze_rl.training.settings import settings
from maze_rl.training.source import StepBatch, prefetch
from maze_rl.training.state import TrainingState, build_for, take_down
from maze_rl.training.step import Row, take_step

_UNRECORDED = "unrecorded"
"""What a checkpoint calls the row of a step whose validation was interrupted."""


class TrainingInterrupted(KeyboardInterrupt):
    """Raised after Ctrl-C, when the state has been saved; as any `KeyboardInterrupt`, no `Exception`."""

    def __init__(self, step: int, message: str | None = None) -> None:
        super().__init__(message or f"stopped after step {step}, and saved")
        self.step = step

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: the message alone (IPython asks for it under this name)."""
        return [str(self)]


@dataclass(frozen=True)
class Callbacks(Shown):
    """What happens beside the steps; each is called between steps, never inside one."""

    on_row: Callable[[Row], None] = lambda row: None
    """Gets a row after every step, with the keys of `metrics.jsonl`."""
    validate: Callable[[MazeTransformer], Row] | None = None
    save: Callable[[TrainingState], None] = lambda state: None
    """Saves a checkpoint."""
    on_pairs: Callable[[int, float], None] = lambda number, done: None
    """Told while the pairs of a round (from 1) are made, with the share that is done."""


def train(state: TrainingState, config: TrainingConfig, callbacks: Callbacks) -> TrainingState:
    """Train from ``state.step`` to the end of the last phase.

    Raises:
        TrainingError: A loss or gradient was not finite; the weights are those before that step.
        TrainingInterrupted: Ctrl-C; the state was saved.
        KeyboardInterrupt: Ctrl-C before the first step of a stretch; what was saved before is all there is.
    """
    state.model.train()
    with interrupts() as interrupted:
        _record_later(state, callbacks, interrupted)
        for stretch in config.stretches:
            if state.step < stretch.last:
                _train_stretch(state, config, stretch, callbacks, interrupted)
    return state


def _train_stretch(
    state: TrainingState, config: TrainingConfig, stretch: Stretch, callbacks: Callbacks, interrupted: Interrupts
) -> None:
    clock, cpu_clock = time.perf_counter(), time.process_time()
    with interrupted.at_once():  # nothing is lost: the last stretch ended with a checkpoint
        news = open_round(state, config, stretch, callbacks.validate, callbacks.on_pairs)
    reason = nothing_to_learn(state, stretch)
    if reason is not None:
        _record(
            state,
            config,
            callbacks,
            interrupted,
            news | {"ended": reason} | _end_stretch(state, config, stretch, callbacks),
        )
        return callbacks.save(state)
    with interrupted.at_once():
        setting_at = settings(state, config, stretch)
        batches = prefetch(batch_maker(state, config, stretch), state.step, stretch.last)
    with closing(batches):
        for batch in _waited_for(batches, state, callbacks, interrupted):
            measured = take_step(state, config, setting_at(state.step), batch) | news
            ends = gone_too_far(stretch, measured) or state.step == stretch.last
            news = {}
            if ends:
                measured |= _end_stretch(state, config, stretch, callbacks)
            state.seconds, clock = state.seconds + time.perf_counter() - clock, time.perf_counter()
            state.cpu_seconds, cpu_clock = state.cpu_seconds + time.process_time() - cpu_clock, time.process_time()
            _record(state, config, callbacks, interrupted, measured)
            if interrupted.asked or ends or state.step % config.checkpoint_every == 0:
                callbacks.save(state)
            if interrupted.asked:
                raise TrainingInterrupted(state.step)
            if ends:
                return


def _waited_for(
    batches: Generator[StepBatch, None, None], state: TrainingState, callbacks: Callbacks, interrupted: Interrupts
) -> Iterator[StepBatch]:
    """Yield batches; while one is waited for (the first may have kernels compiled for it), Ctrl-C is heard at once."""
    begun = state.step
    while True:
        try:
            with interrupted.at_once():
                batch = next(batches, None)
        except KeyboardInterrupt:
            if state.step == begun:
                raise  # what there is was saved before
            callbacks.save(state)
            raise TrainingInterrupted(state.step) from None
        if batch is None:
            return
        yield batch


def _end_stretch(state: TrainingState, config: TrainingConfig, stretch: Stretch, callbacks: Callbacks) -> Row:
    """End a stretch, and build what the next one trains, so that a checkpoint in between holds it."""
    state.step = stretch.last  # a round may end early
    take_down(state, config, stretch.phases[0])
    news = close_round(state, config, stretch, callbacks.validate)
    if stretch.last < config.steps:
        build_for(state, config, config.phase_at(stretch.last))
    return news


def _record(
    state: TrainingState, config: TrainingConfig, callbacks: Callbacks, interrupted: Interrupts, measured: Row
) -> None:
    row = {
        "step": state.step,
        **measured,
        "tokens": state.tokens,
        "mazes": state.mazes,
        "leaks": state.leaks,
        "seconds": state.seconds,
        "cpu_seconds": state.cpu_seconds,
    }
    if state.controller_tokens:
        row["controller_tokens"] = state.controller_tokens
    if callbacks.validate and (state.step % config.validate_every == 0 or state.step == config.steps):
        try:
            row |= _validated(state, callbacks.validate, interrupted)
        except KeyboardInterrupt:  # a checkpoint takes the row along, and the validation is made when the run goes on
            state.kept[_UNRECORDED] = json.loads(json.dumps(row, default=plain_number))
            callbacks.save(state)
            raise TrainingInterrupted(state.step) from None
    callbacks.on_row(row)


def _record_later(state: TrainingState, callbacks: Callbacks, interrupted: Interrupts) -> None:
    """Validate and record the step in whose validation the training was stopped, where it was."""
    row = state.kept.pop(_UNRECORDED, None)
    if row is not None:
        more = {} if callbacks.validate is None else _validated(state, callbacks.validate, interrupted)
        callbacks.on_row(row | more)


def _validated(state: TrainingState, validate: Callable[[MazeTransformer], Row], interrupted: Interrupts) -> Row:
    with interrupted.at_once(), averaged(state.optimizer):
        return validate(state.model)
