"""Walks followed while they are written: one that has gone through a wall need not be written to its end.

No measure depends on what comes after the first illegal step: such a walk is not valid, does not reach, and its first
error is known. So a model that never ends its walks costs little to evaluate.
"""

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.solve import BatchSolution
from maze_rl.tokenization.layouts import NORTH, PADDING, PATH_END, STEPS
from maze_rl.tokenization.spans import TokenSpans


class LegalWalks(Shown):
    """Follows the walk of every maze of a batch, token by token.

    Args:
        solution: The solved mazes.
        spans: Labels of the prompts.
        shortest_only: Whether a walk that leaves the shortest paths is of no more use either.
    """

    def __init__(self, solution: BatchSolution, spans: TokenSpans, shortest_only: bool = False) -> None:
        batch = solution.batch
        self._connections, self._shape = batch.connections, np.array(batch.shape)
        self._distances = solution.distances if shortest_only else None
        self._offsets, self._layout = spans.offsets.numpy().astype(np.int64), spans.layout
        self._cells = batch.origins.astype(np.int64)
        self._headings = np.full(len(batch), NORTH)
        self._begun = np.full(len(batch), spans.layout.starts_at_origin)
        self.follows = spans.layout.tokens_per_step == 1
        """Whether a token is a step, so that walks can be followed; where a cell is spelled they are not."""

    def __call__(self, rows: Int64[ndarray, " rows"], tokens: Int64[ndarray, " rows"]) -> Bool[ndarray, " rows"]:
        """Take the next token of the walks `rows`; tell which are worth going on with."""
        if not self.follows:
            return np.ones(len(rows), np.bool_)
        before = self._cells[rows]
        after = self._reached(rows, tokens, before)
        legal = np.where(self._begun[rows], self._joined(rows, before, after), (before == after).all(axis=1))
        if self._distances is not None:
            legal &= ~self._begun[rows] | self._nearer(rows, before, np.where(legal[:, None], after, before))
        self._cells[rows], self._begun[rows] = np.where(legal[:, None], after, before), True
        return legal | (tokens == PATH_END)

    def _reached(self, rows: ndarray, tokens: ndarray, before: ndarray) -> Int64[ndarray, "rows 2"]:
        """Return the cell each token names or leads to, far outside for one that does neither; walkers turn with it."""
        if self._layout.path_as_moves:
            is_step = np.asarray(np.equal(tokens[:, None], self._layout.step_ids(self._headings[rows])))
            directions, steps = is_step.argmax(axis=1), np.asarray(is_step.any(axis=1))
            self._headings[rows] = np.where(steps, directions, self._headings[rows])
            return np.where(steps[:, None], before + STEPS[directions], -9)
        words = np.where(tokens < len(self._layout.words), tokens, PADDING)  # a model may have ids without words
        on_canvas = np.stack([self._layout.row_of_id[words], self._layout.col_of_id[words]], axis=1).astype(np.int64)
        return np.where(on_canvas[:, :1] < 0, -9, on_canvas - self._offsets[rows])

    def _joined(self, rows: ndarray, before: ndarray, after: ndarray) -> Bool[ndarray, " rows"]:
        """Tell whether an open edge joins the cells."""
        inside = np.asarray(((after >= 0) & (after < self._shape)).all(axis=1))
        neighbours = np.abs(after - before).sum(axis=1) == 1
        corner = np.minimum(before, np.where(inside[:, None], after, before))
        direction = np.not_equal(before[:, 1], after[:, 1]).astype(np.int64)
        return inside & neighbours & self._connections[rows, direction, corner[:, 0], corner[:, 1]]

    def _nearer(self, rows: ndarray, before: ndarray, after: ndarray) -> Bool[ndarray, " rows"]:
        """Tell whether a step leads nearer to the target."""
        assert self._distances is not None
        return self._distances[rows, after[:, 0], after[:, 1]] < self._distances[rows, before[:, 0], before[:, 1]]
