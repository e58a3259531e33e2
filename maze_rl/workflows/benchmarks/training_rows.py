"""Rows about training: one optimizer step (forward, backward, clip, update) on the same prepared batch."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from maze_rl.configs.causal_recipe import causal_run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import Phase, RunConfig, TrainingConfig
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.examples import Examples
from maze_rl.training.losses import loss_functions
from maze_rl.training.muon import Muon
from maze_rl.training.objective import CrossEntropy
from maze_rl.training.optimizers import make_optimizer
from maze_rl.training.source import StepBatch, maze_source, prepare_step
from maze_rl.training.state import new_state
from maze_rl.training.step import Setting, take_step
from maze_rl.workflows.benchmarks.plain_searcher import PlainSearcher
from maze_rl.workflows.benchmarks.plain_transformer import PlainTransformer, plain_twin
from maze_rl.workflows.benchmarks.rows import THREADS, Lap, Row, Target, Trial, faster
from maze_rl.workflows.benchmarks.stock_transformer import stock_twin

_STEPS = 1_000_000  # never reached: the schedule stays where it is

LARGE = RunConfig(
    training=TrainingConfig(phases=(Phase(steps=_STEPS, mazes=MazeSpec(sizes=(9,))),), batch_size=16),
    tokenization=TokenizationConfig(format="unique_cells", canvas=9),
    model=ModelConfig(n_layers=4, d_model=128, n_heads=4, positions="learned", embedding="free"),
)
"""Long sequences: 9 x 9 mazes spelled cell by cell, about 370 tokens."""


def causal_shape(loss: str = "path_only") -> RunConfig:
    """Return the run of `maze-5to9-causal`, without its curriculum: all lengths from the first step."""
    run = causal_run(MazeSpec(), loss=loss)
    return replace(run, training=replace(run.training, phases=(Phase(steps=_STEPS, mazes=MazeSpec()),)))


def _against_plain(seed: int) -> Trial:
    run = causal_shape()
    model, batch = _prepare(run, seed)
    ours, peer = _our_step(run, model, batch), _plain_step(run, plain_twin(model), batch)
    return Trial(faster(Lap(ours), Lap(peer), laps=2), _describe(run, batch))


def _against_stock(run: RunConfig, seed: int, laps: int) -> Trial:
    model, batch = _prepare(run, seed)
    ours, peer = _our_step(run, model, batch), _stock_step(run, stock_twin(model), batch)
    return Trial(faster(Lap(ours), Lap(peer), laps), _describe(run, batch))


def _path_only_against_all(seed: int) -> Trial:
    narrow, wide = causal_shape("path_only"), causal_shape("all")
    model, batch = _prepare(narrow, seed)
    ours, peer = _our_step(narrow, model, batch), _our_step(wide, model, batch)
    gain = faster(Lap(ours), Lap(peer), laps=2)
    return Trial(lambda: 1 / gain(), _describe(narrow, batch))


def _prepare(run: RunConfig, seed: int) -> tuple[MazeTransformer, StepBatch]:
    tokenization = Tokenization(run.tokenization)
    batch = prepare_step(run.training, tokenization, maze_source(run.training.phases, seed), seed, 0)
    return build_model(run.model, tokenization, seed=seed), batch


def _our_step(run: RunConfig, model: MazeTransformer, batch: StepBatch) -> Callable[[], object]:
    state, setting = new_state(model, run.training), Setting(CrossEntropy(loss_functions(run.training.loss)))
    return lambda: take_step(state, run.training, setting, batch)


def _plain_step(run: RunConfig, twin: PlainTransformer, batch: StepBatch) -> Callable[[], object]:
    optimizer = muon_of(twin, run.training)
    micro_batches = micro_batches_of(batch)
    weights = loss_functions(run.training.loss).weights
    chosen = [weights(micro)[:, 1:] != 0 for micro in micro_batches]
    normaliser = float(sum(mask.sum() for mask in chosen))

    def losses() -> Iterable[Tensor]:
        for micro, mask in zip(micro_batches, chosen, strict=True):
            logits = twin(micro.tokens[:, :-1], mask)
            yield functional.cross_entropy(logits, micro.tokens[:, 1:][mask], reduction="sum") / normaliser

    return lambda: descend(twin, optimizer, losses(), run.training.clip_norm)


def _stock_step(run: RunConfig, twin: MazeTransformer, batch: StepBatch) -> Callable[[], object]:
    optimizer = make_optimizer(twin, run.training)
    micro_batches = micro_batches_of(batch)

    def losses() -> Iterable[Tensor]:
        for micro in micro_batches:
            yield twin(micro.tokens, return_type="loss") * (len(micro) / run.training.batch_size)

    return lambda: descend(twin, optimizer, losses(), run.training.clip_norm)


def descend(model: nn.Module, optimizer: torch.optim.Optimizer, losses: Iterable[Tensor], clip_norm: float) -> float:
    """Take the step of a peer; return its loss."""
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for loss in losses:
        loss.backward()
        total += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()
    return total


def muon_of(twin: PlainTransformer | PlainSearcher, config: TrainingConfig) -> Muon:
    """Return the default optimizer for a twin: the same division into matrices of the blocks and the rest."""
    named = [(name.startswith("blocks.") and weight.ndim == 2, weight) for name, weight in twin.named_parameters()]
    rates = {True: config.matrix_learning_rate, False: config.learning_rate}
    decay = {True: config.weight_decay, False: 0.0}
    groups = [
        {
            "params": [weight for is_matrix, weight in named if is_matrix is kind],
            "matrix": kind,
            "lr": rates[kind],
            "weight_decay": decay[kind],
        }
        for kind in (True, False)
    ]
    return Muon(groups, d_model=twin.embed.embedding_dim)


def micro_batches_of(batch: StepBatch) -> list[Examples]:
    """Return the micro-batches of a step."""
    return [micro for mini in batch.mini_batches for micro in mini]


def _describe(run: RunConfig, batch: StepBatch) -> str:
    model, sizes = run.model, run.training.phases[0].mazes.sizes
    return (
        f"{run.training.batch_size} mazes of {sizes[0]}..{sizes[-1]}, {batch.tokens} tokens, {model.n_layers} layers, "
        f"d_model {model.d_model}, {run.training.optimizer}, {THREADS} thread"
    )


ROWS = (
    Row(
        name="training step, causal shape, path_only",
        against="plain PyTorch transformer",
        prepare=_against_plain,
        target=Target(">=", 0.95),
    ),
    Row(
        name="training step, 9x9 unique_cells, path_only",
        against="HookedTransformer and its loss",
        prepare=lambda seed: _against_stock(LARGE, seed, laps=1),
        target=Target(">=", 2.5),
    ),
    Row(
        name="training step, causal shape, path_only over stock",
        against="HookedTransformer and its loss",
        prepare=lambda seed: _against_stock(causal_shape(), seed, laps=1),
    ),
    Row(
        name="training step time, path_only over all",
        against="our own loss on all tokens",
        prepare=_path_only_against_all,
        target=Target("<=", 1.0),
    ),
)
