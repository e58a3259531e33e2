"""Rows about plug-ins: what each adds to a training step, paired with the plain step on the same batch.

A row is the upper end of the 95 % interval of the median over paired steps, so that what holds here holds with that
confidence. The die of `dice:classic` is thrown as in training; steps it skips are cheaper and count as they come.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from maze_rl.configs.training import RunConfig
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.batches import batch_maker
from maze_rl.training.settings import settings
from maze_rl.training.source import StepBatch
from maze_rl.training.state import new_state
from maze_rl.training.step import take_step
from maze_rl.workflows.benchmarks.rows import THREADS, Row, Target, Trial, upper_bound
from maze_rl.workflows.benchmarks.training_rows import causal_shape

_MAZES = 32
_PAIRS = 12
"""Paired steps for each round that is asked for."""


def plain_run() -> RunConfig:
    """Return the default run, all lengths from the first step, with AdamW."""
    run = causal_shape()
    training = replace(run.training, batch_size=_MAZES, optimizer="adamw")
    return replace(run, training=training)


def _overhead(**changes: str) -> Callable[[int], Trial]:
    """Return a row's preparation: the plain run against the same with plug-ins of the trainer."""

    def prepare(seed: int) -> Trial:
        plain = plain_run()
        return _paired(plain, replace(plain, training=replace(plain.training, **changes)), seed)  # type: ignore[arg-type]

    return prepare


def _parametrized(name: str) -> Callable[[int], Trial]:
    def prepare(seed: int) -> Trial:
        plain = plain_run()
        return _paired(plain, replace(plain, model=replace(plain.model, parametrizations=(name,))), seed)

    return prepare


def _paired(plain: RunConfig, changed: RunConfig, seed: int) -> Trial:
    batch = _batch(plain, seed)
    steps = [_stepping(run, batch, seed) for run in (plain, changed)]
    for step in steps * 3:
        step()
    order = iter(range(1_000_000))

    def measure() -> float:
        times = {}
        first = next(order) % 2  # who goes first alternates
        for which in (first, 1 - first):
            started = time.perf_counter()
            steps[which]()
            times[which] = time.perf_counter() - started
        return times[1] / times[0]

    return Trial(measure, f"{_MAZES} mazes, {batch.tokens} tokens, causal shape, adamw, {THREADS} thread")


def _batch(run: RunConfig, seed: int) -> StepBatch:
    model = build_model(run.model, Tokenization(run.tokenization), seed=seed)
    state = new_state(model, run.training, seed)
    return batch_maker(state, run.training, run.training.stretches[0])(0)


def _stepping(run: RunConfig, batch: StepBatch, seed: int) -> Callable[[], object]:
    model = build_model(run.model, Tokenization(run.tokenization), seed=seed)
    state = new_state(model, run.training, seed)
    setting = settings(state, run.training, run.training.stretches[0])(0)
    torch.manual_seed(seed)
    return lambda: take_step(state, run.training, setting, batch)


def _row(name: str, bound: float, prepare: Callable[[int], Trial]) -> Row:
    return Row(
        name=f"step with {name}",
        against="the plain step, upper 95 % bound",
        prepare=prepare,
        target=Target("<=", bound),
        rounds=_PAIRS,
        summary=upper_bound,
    )


ROWS = (
    _row("scale:0.5,apply_to=grad", 1.03, _overhead(update_rule="scale:0.5,apply_to=grad")),
    _row("dice:classic,per=mini_batch", 1.03, _overhead(update_rule="dice:classic,per=mini_batch")),
    _row("dice:classic on the update", 1.08, _overhead(update_rule="dice:classic")),
    _row("schedule wsd", 1.03, _overhead(schedule="wsd")),
    _row("controller q_learning", 1.03, _overhead(lr_controller="q_learning")),
    _row("controller exp3", 1.03, _overhead(lr_controller="exp3")),
    _row("loss graded", 1.05, _overhead(loss="graded")),
    _row("unified_weights:v1", 1.20, _parametrized("unified_weights:v1")),
    _row("unified_weights:v6", 1.20, _parametrized("unified_weights:v6")),
)
