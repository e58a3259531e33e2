"""Greedy rollouts of a model: prompts in, one walk per maze out."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.configs.losses import leaves_origin_out
from maze_rl.evaluation.legal_walks import LegalWalks
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import BatchSolution
from maze_rl.models.attached_tokenization import about_of, tokenization_of
from maze_rl.models.decoding import GoesOn
from maze_rl.models.hooked_models import has_hooks
from maze_rl.models.threads import side_by_side
from maze_rl.models.weights_once import weights_once
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.outcomes import Rollouts, budget_for, parse_rollouts
from maze_rl.tokenization.spans import TokenSpans


@runtime_checkable
class Decode(Protocol):
    """Generates paths from prompts; `maze_rl.models.decoding.decode_paths` is one."""

    def __call__(
        self,
        model: HookedTransformer,
        prompts: Int64[Tensor, "batch pos"],
        lengths: Int64[Tensor, " batch"],
        budget: Int64[Tensor, " batch"],
        *,
        goes_on: GoesOn | None = None,
    ) -> Int64[Tensor, "batch new"]:
        """Return new ids, at most `budget` for a row, fewer where `goes_on` says that a row is of no more use."""
        ...


_MOST_CACHE_BYTES = 1_000_000_000
"""Largest cache of keys and values: large mazes and many loops are decoded in smaller batches."""


def roll_out(
    model: HookedTransformer,
    solution: BatchSolution,
    *,
    seed: int,
    batch_size: int,
    decode: Decode,
    shortest_only: bool = False,
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
    """
    tokenization, batch = tokenization_of(model), solution.batch
    prompts, spans = tokenization.encode_batch(batch, streams=np.arange(len(batch)), seed=seed, prompt_only=True)
    layout = tokenization.layout
    prompts, prompt_lengths, given = with_given_origins(model, batch, prompts, spans)
    # A shortest path is D + 1 cells and the end.
    longest = np.full(len(batch), budget_for(batch.shape, layout))
    budgets = layout.written_tokens(solution.lengths + 1) if shortest_only else longest
    tokens = np.full((len(batch), int(budgets.max())), PADDING, np.int64)
    device = next(model.parameters()).device
    walks = LegalWalks(solution, spans, shortest_only)
    room = int(prompt_lengths.max()) + int(budgets.max())
    at_once = max(1, min(batch_size, _MOST_CACHE_BYTES // (8 * model.cfg.n_layers * model.cfg.d_model * room)))
    # Walks of like length end together: fewer steps are decoded for rows that are done. The longest come first, so that
    # no thread begins with them when the others are done.
    pieces = chunks(np.argsort(solution.lengths, kind="stable"), at_once)[::-1]

    def walk(rows: ndarray) -> None:
        lengths = prompt_lengths[rows].to(device)
        budget = torch.from_numpy(budgets[rows] - given.shape[1]).to(device)
        chosen = prompts[rows, : int(lengths.max())].to(device)
        with torch.inference_mode():
            new = decode(model, chosen, lengths, budget, goes_on=_watched(walks, rows, given))
        written = torch.cat([given[rows], new.cpu()], dim=1)
        tokens[rows, : written.shape[1]] = written.numpy()

    # A parametrized weight is computed once here, not once per token.
    with torch.inference_mode(), parametrize.cached(), weights_once(model):
        # Hooks may keep something from one part of a pass to the next: one pass at a time.
        for _ in map(walk, pieces) if has_hooks(model) else side_by_side(walk, pieces, device):
            pass
    return parse_rollouts(tokens, batch.origins, spans.offsets.numpy(), batch.shape, layout, budgets)


def _watched(walks: LegalWalks, rows: ndarray, given: Tensor) -> GoesOn:
    """Return what follows the walks of some mazes; an origin that is given is the first token of each."""
    for column in given[rows].numpy().T if walks.follows else ():
        walks(rows, column)
    return lambda places, tokens: walks(rows[places], tokens)


def origin_is_given(model: HookedTransformer) -> bool:
    """Tell whether the path begins with an origin that the model never learned to write.

    It stands on the path already, or the training left out its copy.
    """
    layout, loss = tokenization_of(model).layout, str(about_of(model).get("loss", ""))
    return layout.origin_on_path or (leaves_origin_out(loss) and not layout.path_as_moves)


def with_given_origins(
    model: HookedTransformer, batch: MazeBatch, prompts: Int64[Tensor, "batch pos"], spans: TokenSpans
) -> tuple[Int64[Tensor, "batch longer"], Int64[Tensor, " batch"], Int64[Tensor, "batch size"]]:
    """Put the origins behind prompts where a model goes on from an origin it never learned to write.

    Args:
        model: The model that is to go on.
        batch: The mazes of the prompts.
        prompts: Token ids, right-padded.
        spans: Labels of the prompts.

    Returns:
        The prompts, their lengths, and the tokens of each origin that were put there: none where none is given, or
        where the prompt has it already.
    """
    if spans.layout.origin_on_path or not origin_is_given(model):
        return prompts, spans.lengths, torch.zeros((len(batch), 0), dtype=prompts.dtype)
    given = _origins(batch, spans)
    return _continued(prompts, spans.lengths, given), spans.lengths + given.shape[1], given


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
