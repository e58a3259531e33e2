"""Is a solution robust: what is left of it when its weights are disturbed.

A disturbance of size a adds to every weight tensor W

    W' = W + a * rms(W) * E,    E ~ N(0, 1) for each element, rms(W) = sqrt(mean(W^2)),

so that a is relative to each tensor, whatever its scale; tensors of zeros stay. The direction E of draw i depends on
(seed, i, the tensor's name) alone: all sizes a share it, and so do models of one shape. Scaling a random direction to
the weights it is added to follows Li et al. (2018), Visualizing the Loss Landscape of Neural Nets, there by filter.

Measured on the test mazes of the largest size the model was trained on, on the folded model.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.evaluation.measures import BATCH_SIZE, exact_rate, path_loss
from maze_rl.evaluation.teacher_forced import Predictions, predict, sample_paths
from maze_rl.mazes.solve import BatchSolution
from maze_rl.seeding import numpy_generator

LEVELS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
DRAWS = 5
SLICE = tuple(round(-0.3 + 0.05 * place, 2) for place in range(13))
SLICE_DRAWS = 3
MOST_MAZES = 200


def accuracy_under_noise(model: HookedTransformer, tests: Sequence[BatchSolution], seed: int) -> dict[str, float]:
    """Return `noise_exact@a` and `noise_path_loss@a`, means over `DRAWS` draws, for each of `LEVELS`.

    `noise_exact` is the share of shortest paths on which every next step is predicted right.
    """
    rates = {}
    for level in LEVELS:
        answers = [_asked(model, tests, seed, level, draw) for draw in range(DRAWS if level else 1)]
        rates[f"noise_exact@{level:g}"] = float(np.mean([exact_rate(each) for each in answers]))
        rates[f"noise_path_loss@{level:g}"] = float(np.mean([path_loss(each) for each in answers]))
    return rates


def loss_slice(model: HookedTransformer, tests: Sequence[BatchSolution], seed: int) -> dict[str, float]:
    """Return `slice_path_loss@a`: the path loss along random directions through the solution, a from -0.3 to 0.3.

    The mean over `SLICE_DRAWS` directions, which are the first ones of `accuracy_under_noise`.
    """
    return {
        f"slice_path_loss@{place:g}": float(
            np.mean([path_loss(_asked(model, tests, seed, place, draw)) for draw in range(SLICE_DRAWS)])
        )
        for place in SLICE
    }


def _asked(model: HookedTransformer, tests: Sequence[BatchSolution], seed: int, size: float, draw: int) -> Predictions:
    """Return what the disturbed model predicts on reference paths."""
    solution = _chosen(model, tests)
    with disturbed(model, size, seed, draw):
        return predict(model, sample_paths(solution, seed), seed=seed, batch_size=BATCH_SIZE)


def _chosen(model: HookedTransformer, tests: Sequence[BatchSolution]) -> BatchSolution:
    """Return test mazes of the largest size trained on, at most `MOST_MAZES`."""
    about = getattr(model, "about", {})
    trained = [test for test in tests if test.batch.shape[0] in about.get("sizes", ())] or list(tests)
    largest = max(trained, key=lambda test: test.batch.shape)
    rows = np.arange(min(MOST_MAZES, len(largest)))
    return BatchSolution(largest.batch.take(rows), largest.paths[rows], largest.lengths[rows])


@contextmanager
def disturbed(model: HookedTransformer, size: float, seed: int, draw: int) -> Iterator[None]:
    """Disturb every weight of `model` by `size` inside the context; afterwards they are what they were, bit for bit."""
    kept = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    try:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter += size * direction(name, parameter, seed, draw)
        yield
    finally:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(kept[name])


def direction(name: str, weight: Tensor, seed: int, draw: int) -> Tensor:
    """Return rms(W) * E of one tensor."""
    noise = numpy_generator(seed, "weight_noise", draw, name).standard_normal(tuple(weight.shape), np.float32)
    return torch.from_numpy(noise).to(weight) * weight.detach().square().mean().sqrt()
