"""Greedy rollouts of a model: prompts in, one walk per maze out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import BatchSolution
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.outcomes import Rollouts, budget_for, parse_rollouts
from maze_rl.tokenization.spans import TokenSpans
from maze_rl.tokenization.tokenization import Tokenization

Decode = Callable[[HookedTransformer, Tensor, Tensor, Tensor], Tensor]
"""(model, prompts Int64[batch, pos], lengths Int64[batch], budget Int64[batch]) -> new ids Int64[batch, new]."""


def tokenization_of(model: HookedTransformer) -> Tokenization:
    """Return the tokenization a model was built for."""
    return cast(Tokenization, model.tokenization)


def roll_out(
    model: HookedTransformer,
    solution: BatchSolution,
    *,
    seed: int,
    batch_size: int,
    decode: Decode,
    shortest_only: bool = False,
    likely_wrong: bool = False,
) -> Rollouts:
    """Let `model` walk every maze of a solved batch, greedily.

    A model that was never asked for the origin (`origin_is_given`) finds it in its prompt, and goes on from there.

    Args:
        model: The model; its `tokenization` writes the prompts.
        solution: The solved mazes.
        seed: Seed of the prompts (edge order, offset); prompt j depends on (maze, seed, j).
        batch_size: Mazes decoded together.
        decode: Generates the path; `maze_rl.models.decoding.decode_paths` outside tests.
        shortest_only: Break off what is longer than a shortest path: cheaper where nothing else is asked.
        likely_wrong: With `shortest_only`: ask for the first step alone, and go on only where it leads nearer to the
            target. Cheaper for a model that knows nothing.
    """
    tokenization, batch = tokenization_of(model), solution.batch
    prompts, spans = tokenization.encode_batch(batch, streams=np.arange(len(batch)), seed=seed, prompt_only=True)
    layout, prompt_lengths = tokenization.layout, spans.lengths
    given = torch.zeros((len(batch), 0), dtype=prompts.dtype)
    if origin_is_given(model) and not layout.origin_on_path:  # there the prompt has it already
        given = _origins(batch, spans)
        prompts, prompt_lengths = _continued(prompts, prompt_lengths, given), prompt_lengths + given.shape[1]
    # A shortest path is D + 1 cells and the end.
    longest = np.full(len(batch), budget_for(batch.shape, layout))
    budgets = layout.written_tokens(solution.lengths + 1) if shortest_only else longest
    write = _Writer(model, decode, prompts, prompt_lengths, given, batch_size)

    def parsed(tokens: ndarray, budgets: ndarray) -> Rollouts:
        return parse_rollouts(tokens, batch.origins, spans.offsets.numpy(), batch.shape, layout, budgets)

    # Walks of like length end together: fewer steps are decoded for rows that are done.
    order = np.argsort(solution.lengths, kind="stable")
    if not (likely_wrong and shortest_only):
        return parsed(write(order, budgets), budgets)
    one_step = np.full(len(batch), layout.written_tokens(2) - 1)
    first = write(order, one_step)
    goes_on = _leads_nearer(parsed(first, one_step), solution)
    budgets = np.where(goes_on, budgets, one_step)
    tokens = write(order[goes_on[order]], budgets)
    tokens[~goes_on, : first.shape[1]] = first[~goes_on]
    return parsed(tokens, budgets)


@dataclass(frozen=True, eq=False)
class _Writer:
    """Lets a model continue its prompts."""

    model: HookedTransformer
    decode: Decode
    prompts: Int64[Tensor, "batch pos"]
    lengths: Int64[Tensor, " batch"]
    given: Int64[Tensor, "batch given"]
    """The last tokens of the prompts that belong to the path."""
    batch_size: int

    def __call__(
        self, order: Int64[ndarray, " chosen"], budgets: Int64[ndarray, " batch"]
    ) -> Int64[ndarray, "batch written"]:
        """Return what is written on the paths `order`, given tokens first, up to their budgets; padding on others."""
        tokens = np.full((len(self.prompts), int(budgets.max())), PADDING, np.int64)
        device = next(self.model.parameters()).device
        for rows in chunks(order, self.batch_size):
            lengths = self.lengths[rows].to(device)
            budget = torch.from_numpy(budgets[rows] - self.given.shape[1]).to(device)
            chosen = self.prompts[rows, : int(lengths.max())].to(device)
            # A parametrized weight is computed once here, not once per token.
            with torch.inference_mode(), parametrize.cached():
                new = self.decode(self.model, chosen, lengths, budget)
            written = torch.cat([self.given[rows], new.cpu()], dim=1)
            tokens[rows, : written.shape[1]] = written.numpy()
        return tokens


def _leads_nearer(rollouts: Rollouts, solution: BatchSolution) -> Bool[ndarray, " batch"]:
    """Tell whether the second cell of each rollout is a cell nearer to the target than the origin."""
    rows, second = np.arange(len(solution)), rollouts.cells[:, 1] if rollouts.cells.shape[1] > 1 else None
    if second is None:
        return np.zeros(len(solution), np.bool_)
    inside = (rollouts.num_cells > 1) & (second >= 0).all(axis=1) & (second < solution.batch.shape).all(axis=1)
    safe = np.where(inside[:, None], second, 0)
    return inside & (solution.distances[rows, safe[:, 0], safe[:, 1]] < solution.lengths)


def origin_is_given(model: HookedTransformer) -> bool:
    """Tell whether the path begins with an origin that the model never learned to write.

    It stands on the path already, or the training left out its copy.
    """
    layout, loss = tokenization_of(model).layout, str(getattr(model, "about", {}).get("loss", ""))
    left_out = loss.partition(":")[0] == "path_from_first_choice" and not layout.path_as_moves
    return layout.origin_on_path or left_out


def _origins(batch: MazeBatch, spans: TokenSpans) -> Int64[Tensor, "batch size"]:
    """Return the tokens of each maze's origin, where the maze lies on the canvas."""
    on_canvas = batch.origins + spans.offsets.numpy()
    return torch.from_numpy(spans.layout.cell_tokens[on_canvas[:, 0], on_canvas[:, 1]]).long()


def _continued(prompts: Tensor, lengths: Tensor, given: Tensor) -> Int64[Tensor, "batch pos"]:
    """Return right-padded prompts with some more tokens each."""
    wider = torch.nn.functional.pad(prompts, (0, given.shape[1]), value=PADDING)
    return wider.scatter(1, lengths[:, None] + torch.arange(given.shape[1]), given)


def chunks(order: ndarray, size: int) -> list[ndarray]:
    """Cut `order` into pieces of at most `size`."""
    return [order[start : start + size] for start in range(0, len(order), size)]
