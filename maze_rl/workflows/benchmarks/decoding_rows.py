"""Rows about writing paths: our batched decoders against `HookedTransformer.generate`, one maze at a time."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.layouts import PATH_END
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.spin.generation import sample_numbers, write_paths
from maze_rl.workflows.benchmarks.rows import THREADS, Lap, Row, Target, Trial, faster
from maze_rl.workflows.benchmarks.stock_transformer import stock_twin
from maze_rl.workflows.benchmarks.training_rows import causal_shape

_SIZE, _NUM, _PEER_NUM = 7, 256, 4


def _roll_out(seed: int) -> Trial:
    run = causal_shape()
    model = build_model(run.model, Tokenization(run.tokenization), seed=seed)
    prompts, lengths, budget = rollout_inputs(model, _NUM, seed)
    few = torch.arange(_NUM // _PEER_NUM // 2, _NUM, _NUM // _PEER_NUM)  # spread over all path lengths
    ours = Lap(lambda: write_batched(model, prompts, lengths, budget), _NUM)
    peer = Lap(one_by_one(stock_twin(model), prompts[few], lengths[few], budget[few]), _PEER_NUM)
    detail = f"{_NUM} mazes of {_SIZE}x{_SIZE} against {_PEER_NUM}, causal shape, {THREADS} thread"
    return Trial(faster(ours, peer), detail)


def _write_round(seed: int) -> Trial:
    run = causal_shape()
    model = build_model(run.model, Tokenization(run.tokenization), seed=seed)
    prompts, lengths, budget = rollout_inputs(model, _NUM, seed)
    few = torch.arange(_NUM // _PEER_NUM // 2, _NUM, _NUM // _PEER_NUM)
    numbers = sample_numbers(seed, 0, 0, np.arange(_NUM), int(budget.max()))
    ours = Lap(lambda: write_paths(model, prompts, lengths, budget, uniforms=numbers), _NUM)
    peer = Lap(one_by_one(stock_twin(model), prompts[few], lengths[few], budget[few], sample=True), _PEER_NUM)
    detail = f"{_NUM} sampled paths of {_SIZE}x{_SIZE} against {_PEER_NUM}, causal shape, {THREADS} thread"
    return Trial(faster(ours, peer), detail)


def rollout_inputs(model: MazeTransformer, num: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return prompts, their lengths and budgets, in the order of path lengths, as evaluation decodes them.

    A budget is what the shortest path takes: the model is untrained and would never stop, and rows that all
    run to one bound would flatter the batch.
    """
    batch = generate(_SIZE, "dfs", num, seed).batches[0]
    solution = solve_batch(batch, seed)
    order = np.argsort(solution.lengths, kind="stable")
    encoded = model.tokenization.encode_batch(batch, streams=np.arange(num), seed=seed, prompt_only=True)
    budget = torch.from_numpy(solution.lengths[order] + 2)  # the cells of the path, then its end
    return encoded.tokens[order], encoded.spans.lengths[order], budget


def write_batched(model: MazeTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor) -> Tensor:
    """Decode all mazes in one batch; the ids written."""
    with torch.inference_mode(), parametrize.cached():
        return decode_paths(model, prompts, lengths, budget)


def one_by_one(
    twin: HookedTransformer,
    prompts: Tensor,
    lengths: Tensor,
    budget: Tensor,
    sample: bool = False,
    cache: bool = True,
) -> Callable[[], list[Tensor]]:
    """Return the peer's work: `generate`, with its key/value cache where it has one, for one maze after another.

    `generate` without a tokenizer reads the wrong position vectors once its cache is filled, and fails where a
    sequence is longer than half the context; the twin's vectors are all zero, so here its tokens are right.
    """
    rows = [(prompt[None, :length], int(steps)) for prompt, length, steps in zip(prompts, lengths, budget, strict=True)]

    def write(prompt: Tensor, steps: int) -> Tensor:
        ids = twin.generate(
            prompt,
            max_new_tokens=steps,
            do_sample=sample,
            eos_token_id=PATH_END,
            prepend_bos=False,
            verbose=False,
            use_past_kv_cache=cache,
        )
        assert isinstance(ids, Tensor)
        return ids[0, prompt.shape[1] :]

    def work() -> list[Tensor]:
        with torch.inference_mode():
            return [write(prompt, steps) for prompt, steps in rows]

    return work


ROWS = (
    Row(
        name="batched rollouts",
        against="HookedTransformer.generate, one at a time",
        prepare=_roll_out,
        target=Target(">=", 20),
    ),
    Row(
        name="a SPIN round's paths",
        against="HookedTransformer.generate, one at a time",
        prepare=_write_round,
        target=Target(">=", 20),
    ),
)
