"""The training loop: stretches of phases, batches, steps; and what is recorded of them."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from maze_rl.configs.training import Stretch, TrainingConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.models.build import MazeTransformer
from maze_rl.training.batches import batch_maker
from maze_rl.training.learning_rates.schedule_free import averaged
from maze_rl.training.rounds import close_round, gone_too_far, nothing_to_learn, open_round
from maze_rl.training.settings import settings
from maze_rl.training.source import prefetch
from maze_rl.training.state import TrainingState, build_for, take_down
from maze_rl.training.step import Row, take_step


class TrainingInterrupted(Exception):
    """Raised after Ctrl-C, when the state has been saved."""

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step


@dataclass(frozen=True)
class Callbacks(Shown):
    """What happens beside the steps; each is called between steps, never inside one."""

    on_row: Callable[[Row], None] = lambda row: None
    """Gets a row after every step, with the keys of `metrics.jsonl`."""
    validate: Callable[[MazeTransformer], Row] | None = None
    save: Callable[[TrainingState], None] = lambda state: None
    """Saves a checkpoint."""


def train(state: TrainingState, config: TrainingConfig, callbacks: Callbacks) -> TrainingState:
    """Train from ``state.step`` to the end of the last phase.

    Raises:
        TrainingError: A loss or gradient was not finite; the weights are those before that step.
        TrainingInterrupted: Ctrl-C; the state was saved.
    """
    state.model.train()
    with _interrupt_flag() as interrupted:
        for stretch in config.stretches:
            if state.step < stretch.last:
                _train_stretch(state, config, stretch, callbacks, interrupted)
    return state


def _train_stretch(
    state: TrainingState, config: TrainingConfig, stretch: Stretch, callbacks: Callbacks, interrupted: threading.Event
) -> None:
    clock = time.perf_counter()
    news = open_round(state, config, stretch, callbacks.validate)
    reason = nothing_to_learn(state, stretch)
    if reason is not None:
        _record(state, config, callbacks, news | {"ended": reason} | _end_stretch(state, config, stretch, callbacks))
        return callbacks.save(state)
    setting_at = settings(state, config, stretch)
    batches = prefetch(batch_maker(state, config, stretch), state.step, stretch.last)
    with closing(batches):
        for batch in batches:
            measured = take_step(state, config, setting_at(state.step), batch) | news
            ends = gone_too_far(stretch, measured) or state.step == stretch.last
            news = {}
            if ends:
                measured |= _end_stretch(state, config, stretch, callbacks)
            state.seconds, clock = state.seconds + time.perf_counter() - clock, time.perf_counter()
            _record(state, config, callbacks, measured)
            if interrupted.is_set() or ends or state.step % config.checkpoint_every == 0:
                callbacks.save(state)
            if interrupted.is_set():
                raise TrainingInterrupted(state.step)
            if ends:
                return


def _end_stretch(state: TrainingState, config: TrainingConfig, stretch: Stretch, callbacks: Callbacks) -> Row:
    """End a stretch, and build what the next one trains, so that a checkpoint in between holds it."""
    state.step = stretch.last  # a round may end early
    take_down(state, config, stretch.phases[0])
    news = close_round(state, config, stretch, callbacks.validate)
    if stretch.last < config.steps:
        build_for(state, config, config.phase_at(stretch.last))
    return news


def _record(state: TrainingState, config: TrainingConfig, callbacks: Callbacks, measured: Row) -> None:
    row = {"step": state.step, **measured, "tokens": state.tokens, "mazes": state.mazes, "leaks": state.leaks,
           "seconds": state.seconds}  # fmt: skip
    if state.controller_tokens:
        row["controller_tokens"] = state.controller_tokens
    if callbacks.validate and (state.step % config.validate_every == 0 or state.step == config.steps):
        with averaged(state.optimizer):
            row |= callbacks.validate(state.model)
    callbacks.on_row(row)


@contextmanager
def _interrupt_flag() -> Iterator[threading.Event]:
    """Turn Ctrl-C into a flag read between steps, so that no step is cut in half."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    previous = signal.signal(signal.SIGINT, lambda *_: flag.set())
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, previous)
