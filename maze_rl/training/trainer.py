"""The training loop: batch, learning rate, loss, backward, clip, step; and what is recorded of it."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from maze_rl.configs.training import TrainingConfig
from maze_rl.errors import MazeRLError
from maze_rl.models.build import MazeTransformer
from maze_rl.models.weights_once import weights_once
from maze_rl.training.examples import Examples
from maze_rl.training.learning_rate import SCHEDULE_FUNCTIONS
from maze_rl.training.losses import LossFunctions, loss_functions
from maze_rl.training.objective import soft_cross_entropy
from maze_rl.training.optimizers import OPTIMIZER_FACTORIES
from maze_rl.training.source import StepBatch, maze_source, prefetch, prepare_step

Row = dict[str, Any]


class TrainingError(MazeRLError):
    """Raised when a loss or gradient is not finite; the step was not taken."""


class TrainingInterrupted(Exception):
    """Raised after Ctrl-C, when the state has been saved."""

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step


@dataclass
class TrainingState:
    """All that changes while training; saving it and loading it continues bit for bit."""

    model: MazeTransformer
    optimizer: torch.optim.Optimizer
    step: int = 0
    """Optimizer steps taken."""
    tokens: int = 0
    mazes: int = 0
    leaks: int = 0
    """Mazes seen that do not belong to the train split."""
    longest_path: int = 0
    """Steps of the longest path seen."""
    seconds: float = 0.0
    """Wall-clock time of training: steps, waiting for batches, validation and checkpoints."""


@dataclass(frozen=True)
class Callbacks:
    """What happens beside the steps; each is called between steps, never inside one."""

    on_row: Callable[[Row], None] = lambda row: None
    """Gets a row after every step, with the keys of `metrics.jsonl`."""
    validate: Callable[[MazeTransformer], Row] | None = None
    save: Callable[[TrainingState], None] = lambda state: None
    """Saves a checkpoint."""


def new_state(model: MazeTransformer, config: TrainingConfig) -> TrainingState:
    """Return the state before the first step."""
    return TrainingState(model, OPTIMIZER_FACTORIES[config.optimizer](model, config))


def train(state: TrainingState, config: TrainingConfig, seed: int, callbacks: Callbacks) -> TrainingState:
    """Train from ``state.step`` to the end of the last phase.

    Raises:
        TrainingError: A loss or gradient was not finite; the weights are those before that step.
        TrainingInterrupted: Ctrl-C; the state was saved.
    """
    tokenization, source = state.model.tokenization, maze_source(config.phases, seed)
    losses = loss_functions(config.loss)
    state.model.train()
    batches = prefetch(lambda step: prepare_step(config, tokenization, source, seed, step), state.step, config.steps)
    clock = time.perf_counter()
    with closing(batches), _interrupt_flag() as interrupted:
        for batch in batches:
            row = take_step(state, config, losses, batch)
            state.seconds, clock = state.seconds + time.perf_counter() - clock, time.perf_counter()
            _record(state, config, callbacks, row)
            if interrupted.is_set() or state.step % config.checkpoint_every == 0 or state.step == config.steps:
                callbacks.save(state)
            if interrupted.is_set():
                raise TrainingInterrupted(state.step)
    return state


def take_step(state: TrainingState, config: TrainingConfig, losses: LossFunctions, batch: StepBatch) -> Row:
    """Take one optimizer step on `batch`; return its measurements.

    Raises:
        TrainingError: The loss or the gradient is not finite; no weight was changed.
    """
    model, optimizer = state.model, state.optimizer
    multiplier = SCHEDULE_FUNCTIONS[config.schedule](state.step, config)
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * multiplier
    optimizer.zero_grad(set_to_none=True)
    loss, correct, weight = accumulate(model, config, losses, batch)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, config.clip_norm))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise TrainingError(
            f"step {state.step + 1}: loss {loss} and gradient norm {norm} are not finite: the step was not taken. "
            "Lower the learning rate or lengthen the warm-up."
        )
    optimizer.step()
    state.step += 1
    state.tokens += batch.tokens
    state.mazes += sum(len(micro) for mini in batch.mini_batches for micro in mini)
    state.leaks += batch.leaks
    state.longest_path = max(state.longest_path, batch.longest_path)
    return {
        "loss": loss, "accuracy": correct, "learning_rate": optimizer.param_groups[-1]["lr"], "gradient_norm": norm,
        "loss_weight": weight, "padding_share": 1 - batch.tokens / batch.padded_tokens,
    }  # fmt: skip


def accumulate(
    model: MazeTransformer, config: TrainingConfig, losses: LossFunctions, batch: StepBatch
) -> tuple[float, float, float]:
    """Add up the gradients of a step, normalised by its weights; return loss, accuracy and the weights' sum."""
    device = torch.device(model.cfg.device or "cpu")
    micro_batches = [micro for mini in batch.mini_batches for micro in mini]
    weights = [losses.weights(micro.spans) for micro in micro_batches]
    normaliser = float(sum(weight[:, 1:].sum() for weight in weights))
    total, correct = torch.zeros((), device=device), torch.zeros((), device=device)
    with weights_once(model):
        for micro, weight in zip(micro_batches, weights, strict=True):
            targets = losses.targets(micro)
            with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
                loss = soft_cross_entropy(model, *_on_device(device, micro, weight, targets))
            (loss.total / normaliser).backward()
            total += loss.total.detach()
            correct += loss.correct
    return float(total) / normaliser, float(correct) / normaliser, normaliser


def _on_device(device: torch.device, micro: Examples, weight: torch.Tensor, targets: Any) -> tuple[Any, ...]:
    if device.type == "cpu":
        return micro, weight, targets
    moved = Examples(micro.tokens.to(device, non_blocking=True), micro.spans, micro.optimal)
    return moved, weight.to(device), type(targets)(targets.ids.to(device), targets.probabilities.to(device))


def _record(state: TrainingState, config: TrainingConfig, callbacks: Callbacks, measured: Row) -> None:
    row = {"step": state.step, **measured, "tokens": state.tokens, "mazes": state.mazes, "leaks": state.leaks,
           "seconds": state.seconds}  # fmt: skip
    if callbacks.validate and (state.step % config.validate_every == 0 or state.step == config.steps):
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
