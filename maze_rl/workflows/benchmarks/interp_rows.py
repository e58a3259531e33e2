"""Rows about analyses: patching maps and labelled activations against TransformerLens, and the whole battery.

Both sides of a ratio run the same model, ours with its fused kernels, on the same tokens: what is compared is how much
is computed, not how fast a block is. Results are compared before anything is timed.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from transformer_lens import patching

from maze_rl.interp.activations.labelled_activations import stream
from maze_rl.interp.battery import run_battery
from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.interp.inputs.patching_pairs import make_pairs
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.materials import Setting, gather
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.model_files import load_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.workflows.benchmarks.rows import THREADS, Lap, Row, Target, Trial, faster
from maze_rl.workflows.benchmarks.training_rows import causal_shape

_SIZE, _PAIRS, _MAZES = 7, 8, 256
_TOLERANCE = 1e-5


def _model(seed: int) -> MazeTransformer:
    run = causal_shape()
    return build_model(run.model, Tokenization(run.tokenization), seed=seed).eval()


def _patching(seed: int) -> Trial:
    model = _model(seed)
    pairs = flip_tokens(model, seed)
    ours, stock = patch_map(model, pairs).numerators.sum(axis=0), stock_map(model, pairs)
    error = float(np.abs(ours - stock).max() / max(1.0, np.abs(stock).max()))
    fault = None if error <= _TOLERANCE else f"the maps differ by {error:.1e}"
    layers, positions = stock.shape
    detail = f"{layers} layers x {positions} positions, {_PAIRS} pairs of {_SIZE}x{_SIZE}, {THREADS} thread"
    measure = faster(Lap(lambda: patch_map(model, pairs)), Lap(lambda: stock_map(model, pairs)))
    return Trial(measure, detail, fault)


def flip_tokens(model: MazeTransformer, seed: int) -> PairTokens:
    """Return flip pairs without columns of padding: nothing is patched there."""
    pairs = make_pairs(model.tokenization, size=_SIZE, num=_PAIRS, seed=seed)
    length = int(pairs.position.max()) + 1
    return PairTokens(pairs.clean[:, :length], pairs.flipped[:, :length], pairs.position, pairs.right, pairs.wrong)


def stock_map(model: MazeTransformer, pairs: PairTokens) -> np.ndarray:
    """Return the change of the summed logit difference by layer and position, by TransformerLens's own loop."""
    rows = torch.arange(len(pairs))

    def metric(logits: Tensor) -> Tensor:
        at = logits[rows, pairs.position]
        return (at[rows, pairs.right] - at[rows, pairs.wrong]).sum()

    with torch.no_grad(), _silently():
        _, clean = model.run_with_cache(pairs.clean)
        return (
            patching.get_act_patch_resid_pre(model, pairs.corrupt, clean, metric) - metric(model(pairs.corrupt))
        ).numpy()


@contextmanager
def _silently() -> Iterator[None]:
    """Keep TransformerLens's progress bar off the terminal."""
    bar = patching.__dict__["tqdm"]
    patching.__dict__["tqdm"] = lambda rows, **_: rows
    try:
        yield
    finally:
        patching.__dict__["tqdm"] = bar


def _labelling(layers: str) -> Callable[[int], Trial]:
    def prepare(seed: int) -> Trial:
        model = _model(seed)
        mazes = generate(9, "dfs", _MAZES, seed)
        tokens = model.tokenization.with_options(random_offsets=False).encode(mazes, seed=seed).tokens
        names = [f"blocks.{layer}.hook_resid_post" for layer in _LAYERS[layers](model.cfg.n_layers)]
        ours = Lap(lambda: [None for _ in stream(model, mazes, names, seed=seed)], _MAZES)
        raw = Lap(lambda: _cached(model, tokens, names), _MAZES)
        detail = f"{_MAZES} mazes of 9x9, {len(names)} of {model.cfg.n_layers} residual streams, {THREADS} thread"
        return Trial(faster(ours, raw), detail)

    return prepare


_LAYERS: dict[str, Callable[[int], Iterable[int]]] = {
    "last": lambda num: [num - 1],
    "every": range,
}


@torch.inference_mode()
def _cached(model: MazeTransformer, tokens: Tensor, names: list[str]) -> None:
    # the unembedding is left out on both sides: nobody asks for logits here
    model.run_with_cache(tokens, names_filter=names, return_type=None)


def _battery(seed: int) -> Trial:
    # a trained one: where no pair is solved, nothing is patched
    model = load_model("maze-5to9-causal")
    setting = Setting(size=_SIZE, seed=seed)

    def measure() -> float:
        started = time.perf_counter()
        run_battery(model, gather(model.tokenization, setting))
        return time.perf_counter() - started

    mazes = f"{setting.num_mazes} mazes, {setting.num_pairs} pairs"
    detail = f"{model.cfg.n_layers} layers, {_SIZE}x{_SIZE}, {mazes}, {THREADS} thread"
    return Trial(measure, detail)


ROWS = (
    Row(
        name="activation-patching map",
        against="transformer_lens.patching, one position at a time",
        prepare=_patching,
        target=Target(">=", 4.0),
        most_rounds=3,
    ),
    Row(
        name="labelled activations, last layer",
        against="run_with_cache alone",
        prepare=_labelling("last"),
        target=Target(">=", 0.8),
    ),
    Row(
        name="labelled activations, every layer",
        against="run_with_cache alone",
        prepare=_labelling("every"),
        target=Target(">=", 0.8),
    ),
    Row(
        name="the whole battery on a 6-layer model",
        against="the clock",
        prepare=_battery,
        target=Target("<", 600),
        unit="s",
        most_rounds=1,
    ),
)
