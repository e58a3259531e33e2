"""Heads that gather an edge's two cells at its last token (attention score A1).

Where an edge is spelled ``a <--> b ;``, with A_h(q, k) the attention of head h from q to k and p the position of
a ``;``,

    C_h(first) = mean_p A_h(p, p - 3),    C_h(second) = mean_p A_h(p, p - 1),

less the same at p - 1 and p + 1, which end no edge: a head that looks a fixed number of tokens back wherever it stands
gathers nothing in particular. Further null: edge membership permuted, which is the mean attention from p to one cell
of an edge listed before. The first edge of a list is left out, since none comes before it.

Consolidation at ``;`` in maze transformers: Spies et al. (2024), Transformers Use Causal World Models in Maze-Solving
Tasks. Heads are chosen on one half of the mazes and measured on the other; mazes of one layout are in one half.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.attention.attention_maps import stream_patterns
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import split_halves
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.requirements import check_mazes, check_tokens, require_causal_prompt
from maze_rl.interp.sign_flips import head_means, mean_over_mazes, sign_flip_p_values
from maze_rl.intervals import num_clusters
from maze_rl.tokenization.layouts import SEPARATOR
from maze_rl.tokenization.spans import Region

THRESHOLD = 0.1
"""A tenth of the head's attention; hand-built heads reach 1, untrained ones stay below 0.03."""
ENDPOINTS = ("first", "second")
_BACK = (3, 1)
_OWN, _MATCHED, _PERMUTED = range(3)


@dataclass(frozen=True, kw_only=True)
class EdgeConsolidation(Shown):
    """Consolidation of both endpoints."""

    findings: tuple[Finding, Finding] | None
    """For the first and the second cell: the head that is best on one half, on the other; the control is the mean
    attention to a cell of another edge. None where the score does not apply."""
    heads: tuple[tuple[int, int], tuple[int, int]] | None
    """(layer, head) of these heads."""
    scores: Float[ndarray, "endpoint layer head"] | None
    """Mean score on the held-out half."""
    p_values: Float[ndarray, "endpoint layer head"] | None
    """On the half that heads are chosen on, corrected for the maximum over heads and endpoints."""
    note: str = ""
    """Why the score does not apply."""

    @property
    def consolidates(self) -> bool:
        """Whether both endpoints are attended by some head."""
        return self.findings is not None and all(each.verdict == "yes" for each in self.findings)


class ConsolidationAttention(Shown):
    """Reducer: attention at the ends of edges.

    Raises:
        ConfigurationError: The prompt is visible: an edge's end is one of many places where its cells can be gathered,
            and edges listed behind it are in sight.
    """

    means: Float[ndarray, "maze layer head endpoint 3"]
    """Mean attention to the own cell, at matched positions, and to cells of other edges; nan without an edge."""

    def __init__(self, model: HookedTransformer, decisions: Decisions) -> None:
        require_causal_prompt(model, "edge consolidation")
        self._decisions = decisions
        shape = (len(decisions.tokens), model.cfg.n_layers, model.cfg.n_heads, 2, 3)
        self.means = np.full(shape, np.nan, np.float32)

    def begin(self, first: int, stop: int, length: int) -> None:
        """Mark the ends of edges, their neighbours and the listed cells of these mazes."""
        spans = self._decisions.spans
        listed = (spans.regions[first:stop, :length] == Region.ADJACENCY).numpy()
        ends = listed & (spans.tokens[first:stop, :length] == SEPARATOR).numpy()
        before = ends.cumsum(axis=1) - 1
        ends &= before > 0
        matched = np.zeros(ends.shape)
        matched[:, :-1] += ends[:, 1:]
        matched[:, 1:] += ends[:, :-1]
        cells = listed & (spans.cells[first:stop, :length, 0] >= 0).numpy()
        # each edge listed before has two cells
        others = np.where(ends, 1 / (2 * np.maximum(before, 1)), 0)
        self._ends, self._matched, self._cells, self._others = (
            torch.from_numpy(each.astype(np.float32)) for each in (ends, matched, cells, others)
        )
        self._mazes = slice(first, stop)

    def add(self, layer: int, pattern: Float[Tensor, "maze head query key"]) -> None:
        """Keep the means of one layer."""
        pattern = pattern.float()
        ends, matched, cells, others = (
            each.to(pattern.device) for each in (self._ends, self._matched, self._cells, self._others)
        )
        num = ends.sum(dim=1)[:, None]
        on_cells = (pattern @ cells[:, None, :, None])[..., 0]
        own_cells = 0.0
        for endpoint, back in enumerate(_BACK):
            attended = torch.nn.functional.pad(pattern.diagonal(offset=-back, dim1=2, dim2=3), (back, 0))
            own_cells = own_cells + attended
            own = (attended * ends[:, None]).sum(dim=2) / num
            control = (attended * matched[:, None]).sum(dim=2) / (2 * num)
            self.means[self._mazes, layer, :, endpoint, _OWN] = own.cpu().numpy()
            self.means[self._mazes, layer, :, endpoint, _MATCHED] = control.cpu().numpy()
        permuted = ((on_cells - own_cells) * others[:, None]).sum(dim=2) / num
        self.means[self._mazes, layer, :, :, _PERMUTED] = permuted.cpu().numpy()[..., None]


def consolidation_applies(decisions: Decisions) -> bool:
    """Tell whether edges are spelled ``a <--> b ;``, so that there is something to gather."""
    return decisions.spans.layout.tokens_per_edge == 4


def measure_consolidation(
    model: HookedTransformer,
    decisions: Decisions,
    *,
    attention: ConsolidationAttention | None = None,
    seed: int = 0,
) -> EdgeConsolidation:
    """Measure how far heads gather the cells of an edge at its end.

    Args:
        model: The model under study.
        decisions: Mazes, written in the model's format.
        attention: The reducer after `stream_patterns`, where one run serves several scores.
        seed: Seed of halves, sign flips and intervals.

    Raises:
        ConfigurationError: The mazes are too few for an interval or not written in the model's words, or the prompt is
            visible.
    """
    require_causal_prompt(model, "edge consolidation")
    check_tokens(model, decisions.spans.layout)
    check_mazes(model, max(decisions.batch.shape), len(decisions.batch))
    if not consolidation_applies(decisions):
        note = "edges of this format are not spelled cell by cell with a mark at the end: there is nothing to gather."
        return EdgeConsolidation(findings=None, heads=None, scores=None, p_values=None, note=note)
    if attention is None:
        attention = ConsolidationAttention(model, decisions)
        stream_patterns(model, decisions, [attention])
    means = np.moveaxis(attention.means.astype(np.float64), 3, 1)
    scores = means[..., _OWN] - means[..., _MATCHED]
    layouts, halves = layouts_of(decisions.batch), split_halves(decisions.batch, seed)
    discovery, confirmation = scores[halves.fit], scores[halves.held_out]
    best = mean_over_mazes(discovery).reshape(2, -1).argmax(axis=1)
    layers, heads = np.divmod(best, model.cfg.n_heads)
    first, second = (
        _finding(name, means[halves.held_out, place, layers[place], heads[place]], layouts[halves.held_out], seed)
        for place, name in enumerate(ENDPOINTS)
    )
    p_values = sign_flip_p_values(discovery.reshape(len(discovery), -1), layouts=layouts[halves.fit], seed=seed)
    return EdgeConsolidation(
        findings=(first, second),
        heads=((int(layers[0]), int(heads[0])), (int(layers[1]), int(heads[1]))),
        scores=mean_over_mazes(confirmation),
        p_values=p_values.reshape(scores.shape[1:]),
    )


def _finding(endpoint: str, means: Float[ndarray, "maze 3"], layouts: Int64[ndarray, " maze"], seed: int) -> Finding:
    score = means[:, _OWN] - means[:, _MATCHED]
    effect, control = head_means(np.stack([score, means[:, _PERMUTED]], axis=1), layouts=layouts, seed=seed)
    return Finding(
        name=f"attention from the end of an edge to its {endpoint} cell, matched positions subtracted",
        effect=effect,
        threshold=THRESHOLD,
        num_mazes=int(np.isfinite(score).sum()),
        num_layouts=num_clusters(layouts[np.isfinite(score)]),
        control=control,
        control_name="a cell of another edge listed before",
    )
