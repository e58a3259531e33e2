"""What an experiment asks of a trained model: a few plain numbers by name.

A measure is a function ``(model, tests, seed) -> {name: number}``: `tests` holds one solved batch of test mazes per
size, and a name is written ``what@where``: ``shortest@4`` is the rate of shortest paths on 4 x 4 mazes,
``noise_exact@0.1`` a rate at a noise of 0.1. One's own is named ``package.module:function``.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.errors import unknown_name
from maze_rl.evaluation.rollouts import origin_is_given, roll_out
from maze_rl.evaluation.teacher_forced import Predictions, predict, sample_paths
from maze_rl.intervals import num_clusters
from maze_rl.mazes.solve import BatchSolution
from maze_rl.mazes.splits import maze_hashes
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.decoding import decode_paths
from maze_rl.own_plugins import import_own
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.outcomes import Rollouts, Stop, judge

Measure = Callable[[HookedTransformer, Sequence[BatchSolution], int], Mapping[str, float]]
BATCH_SIZE = 256

BUILT_IN = {
    "rollouts": f"{__name__}:rollout_rates",
    "weight_noise": "maze_rl.evaluation.weight_noise:accuracy_under_noise",
    "loss_slice": "maze_rl.evaluation.weight_noise:loss_slice",
}


def find_measure(name: str) -> Measure:
    """Return the measure called `name`.

    Raises:
        UnknownNameError: No measure has that name.
        ConfigurationError: A function of one's own cannot be imported.
    """
    if name not in BUILT_IN and ":" not in name:
        raise unknown_name("measure", name, BUILT_IN)
    return import_own("measure", BUILT_IN.get(name, name))


def rollout_rates(model: HookedTransformer, tests: Sequence[BatchSolution], seed: int) -> dict[str, float]:
    """Let a model walk the test mazes greedily, and ask it about the cells of their shortest paths.

    Returns:
        By maze size: rates of rollouts that are `valid`, `reaches` the target, `shortest`; that begin at the origin
        (`origin_first`) or write first a token that is neither cell nor move nor the end (`adjacency_first`); and
        `path_loss`.
        `layouts` counts the different walls among the mazes, up to rotation and reflection.
        Over all sizes `inference_tokens_per_second`: tokens written in a second of this run's own time.
    """
    rates: dict[str, float] = {}
    written, seconds = 0, 0.0

    def decode(*inputs: Any, **settings: Any) -> Tensor:
        nonlocal written
        new = decode_paths(*inputs, **settings)
        written += int((new != PADDING).sum())
        return new

    given = int(tokenization_of(model).layout.starts_at_origin or origin_is_given(model))
    for solution in tests:
        start = time.perf_counter()
        rollouts = roll_out(model, solution, seed=seed, batch_size=BATCH_SIZE, decode=decode)
        seconds += time.perf_counter() - start
        outcomes = judge(solution, rollouts)
        for name, values in {
            "valid": outcomes.valid,
            "reaches": outcomes.reaches,
            "shortest": outcomes.shortest,
            "origin_first": _begins_at_origin(solution, rollouts),
            "adjacency_first": no_path_token_first(rollouts, given),
        }.items():
            rates[f"{name}@{solution.batch.shape[0]}"] = float(values.mean())
        rates[f"layouts@{solution.batch.shape[0]}"] = float(num_clusters(maze_hashes(solution.batch)))
        predictions = predict(model, sample_paths(solution, seed), seed=seed, batch_size=BATCH_SIZE)
        rates[f"path_loss@{solution.batch.shape[0]}"] = path_loss(predictions)
    return rates | {"inference_tokens_per_second": written / seconds}


def no_path_token_first(rollouts: Rollouts, num_given: int) -> np.ndarray:
    """Tell where what is written begins with a token that no path can hold.

    Args:
        rollouts: The walks.
        num_given: Cells of each that nobody wrote: 1 where the origin is given or moves go on from it, else 0.
    """
    return (rollouts.num_cells == num_given) & (rollouts.stops == Stop.MALFORMED_TOKEN)


def _begins_at_origin(solution: BatchSolution, rollouts: Rollouts) -> np.ndarray:
    if rollouts.cells.shape[1] == 0:
        return np.zeros(len(solution), np.bool_)
    return (rollouts.num_cells > 0) & (rollouts.cells[:, 0] == solution.batch.origins).all(axis=1)


def path_loss(predictions: Predictions) -> float:
    """Return -log of the probability of the optimal next tokens, nats per decision on reference shortest paths.

    The mean over decisions, the copied origin left out; where a maze is asked about several paths, each counts so
    much less.
    """
    used = predictions.used.copy()
    used[:, 0] = False
    weight = _path_weights(predictions)[:, None] * used
    return float((weight * np.where(used, predictions.optimal_nll, 0)).sum() / weight.sum())


def exact_rate(predictions: Predictions) -> float:
    """Return the share of reference shortest paths with every decision right; over mazes, as in `path_loss`."""
    weight = _path_weights(predictions)
    return float((weight * (predictions.correct | ~predictions.used).all(axis=1)).sum() / weight.sum())


def _path_weights(predictions: Predictions) -> np.ndarray:
    return 1 / np.bincount(predictions.mazes)[predictions.mazes]
