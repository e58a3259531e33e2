"""Attention patterns of every layer, handed over one batch of mazes and one layer at a time, so that none is kept.

Whoever measures attention is a *reducer*: it is told which mazes come, then gets their pattern layer by layer, and
keeps sums per maze. Several reducers share one run of the model.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.requirements import check_tokens, require_known_forward
from maze_rl.tokenization.spans import TokenSpans


@runtime_checkable
class PatternReducer(Protocol):
    """Takes attention patterns in and keeps little of them."""

    def begin(self, first: int, stop: int, length: int) -> None:
        """Learn that the patterns of mazes `first` to `stop` - 1 come next, over `length` positions."""
        ...

    def add(self, layer: int, pattern: Float[Tensor, "maze head query key"]) -> None:
        """Take the pattern of one layer."""
        ...


@torch.inference_mode()
def stream_patterns(
    model: HookedTransformer, decisions: Decisions, reducers: Sequence[PatternReducer], *, batch_size: int = 64
) -> None:
    """Run the model over the decisions' mazes and hand every layer's pattern to each reducer.

    Memory: ``batch_size * heads * length**2`` numbers for the pattern, beside what the forward pass takes. What stands
    behind a batch's last decision is cut off.

    Raises:
        ConfigurationError: Positions of this model depend on what stands behind them, the decisions are not written in
            its words, or `batch_size` is below 1.
    """
    require_known_forward(model, "reading the attention of padded sequences")
    check_tokens(model, decisions.spans.layout)
    check_count("batch_size", batch_size)
    device = next(model.parameters()).device
    num, layers = len(decisions.tokens), model.cfg.n_layers
    last = np.zeros(num, np.int64)
    np.maximum.at(last, decisions.maze, decisions.position)
    hooks: list[tuple[str | Callable[..., Any], Callable[..., Any]]] = [
        (f"blocks.{layer}.attn.hook_pattern", partial(_hand_over, reducers, layer)) for layer in range(layers)
    ]
    with parametrize.cached():
        for first in range(0, num, batch_size):
            stop = min(first + batch_size, num)
            length = int(last[first:stop].max()) + 1
            for reducer in reducers:
                reducer.begin(first, stop, length)
            tokens = decisions.tokens[first:stop, :length].to(device)
            model.run_with_hooks(tokens, fwd_hooks=hooks, stop_at_layer=layers)


def _hand_over(reducers: Sequence[PatternReducer], layer: int, pattern: Tensor, hook: object) -> None:
    for reducer in reducers:
        reducer.add(layer, pattern)


class GroupedAttention(Shown):
    """Reducer: attention from decisions to groups of earlier tokens, weighted and summed over each maze's decisions.

    Args:
        model: Gives the number of layers and heads.
        decisions: Where attention starts from.
        groups: Group of each token as each decision sees it, or of each maze, for all its decisions; -1 for none.
        weights: What attention to each group counts, in the rows of `groups`.
        per_maze: Whether these rows are mazes.
    """

    sums: Float[ndarray, "maze layer head group"]
    """Weighted attention, summed over the decisions of each maze."""
    weights: Float[ndarray, "view group"]
    """As they were given."""

    def __init__(
        self,
        model: HookedTransformer,
        decisions: Decisions,
        groups: Int[ndarray, "view pos"],
        weights: Float[ndarray, "view group"],
        *,
        per_maze: bool = False,
    ) -> None:
        self._decisions, self._groups, self._per_maze = decisions, groups, per_maze
        self.weights = weights.astype(np.float32)
        shape = (len(decisions.tokens), model.cfg.n_layers, model.cfg.n_heads, weights.shape[1])
        self.sums = np.zeros(shape, np.float32)

    def begin(self, first: int, stop: int, length: int) -> None:
        """Set out which tokens count how much for the decisions of these mazes."""
        rows = np.flatnonzero((self._decisions.maze >= first) & (self._decisions.maze < stop))
        views = np.arange(first, stop) if self._per_maze else rows
        # place 0 is for tokens of no group
        self._place = torch.from_numpy(self._groups[views, None, :length].astype(np.int64) + 1)
        self._counts = torch.from_numpy(self.weights[views, None])
        self._row = torch.from_numpy(self._decisions.maze[rows] - first)
        self._position = torch.from_numpy(self._decisions.position[rows])
        self._mazes = slice(first, stop)

    def add(self, layer: int, pattern: Float[Tensor, "maze head query key"]) -> None:
        """Add up one layer."""
        place, counts, row, position = (
            each.to(pattern.device) for each in (self._place, self._counts, self._row, self._position)
        )
        seen = pattern[row, :, position].float()
        if self._per_maze:
            seen = _summed(seen, row, len(pattern))
        grouped = seen.new_zeros(*seen.shape[:2], counts.shape[2] + 1).scatter_add_(2, place.expand_as(seen), seen)
        totals = grouped[..., 1:] * counts
        if not self._per_maze:
            totals = _summed(totals, row, len(pattern))
        self.sums[self._mazes, layer] = totals.cpu().numpy()


def _summed(values: Float[Tensor, "decision head column"], row: Int64[Tensor, " decision"], num: int) -> Tensor:
    """Add up the decisions of each maze, [maze, head, column]."""
    return values.new_zeros(num, *values.shape[1:]).index_add_(0, row, values)


def group_sizes(groups: Int[ndarray, "view pos"], num: int) -> Int64[ndarray, "view group"]:
    """Count the tokens of each of `num` groups."""
    flat = (groups + 1).astype(np.int64) + (num + 1) * np.arange(len(groups))[:, None]
    return np.bincount(flat.ravel(), minlength=(num + 1) * len(groups)).reshape(-1, num + 1)[:, 1:]


def decisions_per_maze(decisions: Decisions) -> Int64[ndarray, " maze"]:
    """Return how many decisions each maze of the batch has."""
    return np.bincount(decisions.maze, minlength=len(decisions.tokens)).astype(np.int64)


def listed_cells(spans: TokenSpans, shape: tuple[int, int]) -> Int64[ndarray, "maze pos 2"]:
    """Return the two cells (row * cols + col) of the edge each token is part of; -1 outside the list of edges."""
    edges = spans.edges.numpy().astype(np.int64)
    first = edges[..., 1] * shape[1] + edges[..., 2]
    second = first + np.where(edges[..., 0] == 0, shape[1], 1)
    return np.where((edges[..., 0] >= 0)[..., None], np.stack([first, second], axis=-1), -1)


def flat_cells(decisions: Decisions) -> Int64[ndarray, " decision"]:
    """Return the cell of each decision as row * cols + col."""
    return (decisions.cells.astype(np.int64) * [decisions.batch.shape[1], 1]).sum(axis=1)
