"""The opponent writes: many paths at once, each drawn from a random stream of its own."""

from collections.abc import Callable
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numba import njit
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.mazes.counter_random import start_stream, uniform
from maze_rl.models.decoding import decode_paths
from maze_rl.models.weights_once import weights_once
from maze_rl.seeding import stream_key
from maze_rl.tokenization.layouts import PADDING, PATH_END


def write_paths(
    model: HookedTransformer,
    prompts: Int64[Tensor, "num pos"],
    lengths: Int64[Tensor, " num"],
    budgets: Int64[Tensor, " num"],
    *,
    temperature: float = 1.0,
    uniforms: Float64[Tensor, "num most_new"] | None = None,
    batch_size: int = 128,
    progress: Callable[[int], None] = lambda rows: None,
) -> tuple[Int64[Tensor, "num new"], Int64[Tensor, " num"]]:
    """Let `model` write a path behind each prompt; what it writes behind one does not depend on `batch_size`.

    Args:
        model: The network.
        prompts: Token ids of all that is given, right-padded. Where neighbours will be of like length, fewer steps
            are decoded for rows that are done.
        lengths: Tokens of each prompt before the padding.
        budgets: Most tokens to write for each, at least 1.
        temperature: 0 writes the most likely path; above, samples it with `uniforms`.
        uniforms: Random numbers in [0, 1), one for each token; `sample_numbers` makes them.
        batch_size: Paths written together.
        progress: Called with the number of paths written so far.

    Returns:
        The written ids, right-padded, and how many each path has: up to its ``<PATH_END>``, or its whole budget.
    """
    device, width = model.cfg.device, int(budgets.max())
    written = torch.full((len(prompts), width), PADDING)
    # What is computed from weights is computed once here, not once per token.
    with torch.no_grad(), weights_once(model):
        for first in range(0, len(prompts), batch_size):
            rows = slice(first, first + batch_size)
            longest, most = int(lengths[rows].max()), int(budgets[rows].max())
            numbers = None if uniforms is None else uniforms[rows, :most].to(device)
            inputs = (prompts[rows, :longest], lengths[rows], budgets[rows])
            moved = [tensor.to(device) for tensor in inputs]
            new = decode_paths(model, *moved, temperature=temperature, uniforms=numbers).cpu()
            written[rows, : new.shape[1]] = new
            progress(min(first + batch_size, len(prompts)))
    return written, written_lengths(written, budgets)


def written_lengths(
    written: Int64[Tensor, "num new"], budgets: Int64[Tensor, " num"], end: int = PATH_END
) -> Int64[Tensor, " num"]:
    """Return how many tokens each row has, up to its first `end`; padding before that was the model's own."""
    ends = written == end
    return torch.where(ends.any(dim=1), ends.int().argmax(dim=1) + 1, budgets)


def sample_numbers(
    seed: int, round_number: int, sample: int, streams: Int64[ndarray, " num"], most_new: int
) -> Float64[Tensor, "num most_new"]:
    """Return random numbers in [0, 1) to write the paths of one sample of each maze with.

    Row i is a function of (seed, round_number, sample, streams[i]) alone.
    """
    numbers = np.empty((len(streams), most_new))
    _fill(np.uint64(stream_key(seed, "spin samples", round_number, sample)), streams, numbers)
    return torch.from_numpy(numbers)


@njit(cache=True, nogil=True)
@no_type_check
def _fill(key, streams, numbers):
    state = np.empty(2, np.uint64)
    for row in range(len(streams)):
        start_stream(state, key, streams[row])
        for place in range(numbers.shape[1]):
            numbers[row, place] = uniform(state)
