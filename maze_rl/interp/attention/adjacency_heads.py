"""Heads that look from the current cell at the edges it lies on (attention score A2).

At a decision in cell u, with m_e the attention to all tokens of the listed edge e,

    Adj_h = sum_{e incident to u} m_e - |incident| * mean_{e walled} m_e,

in shares of the head's attention. Where edges are spelled as cells, u's own token in them is left out of m_e, and means
are over tokens: a head that looks for its own token looks for no neighbour, and no other edge could show it, since none
holds that token. *Walled* edges touch a cell next to u on the lattice that a wall parts from u, and
not u itself: a head that knows neighbourhood on the lattice, but not the walls, looks at them as much. *Far* edges are
all others. A decision without walled edges has no control and is left out. Adjacency heads of maze transformers:
Ivanitskiy et al. (2023), Structured World Representations in Maze-Solving Transformers.

Heads are chosen on one half of the mazes and measured on the other; mazes of one layout are in one half.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.attention.attention_maps import (
    GroupedAttention,
    decisions_per_maze,
    flat_cells,
    group_sizes,
    listed_cells,
    stream_patterns,
)
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import split_halves
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.requirements import check_mazes, check_tokens, require_edges_in_prompt
from maze_rl.interp.sign_flips import (
    false_discovery_rate,
    head_means,
    mean_over_mazes,
    select_heads,
    selection_stability,
    sign_flip_p_values,
)
from maze_rl.intervals import Interval, num_clusters

THRESHOLD = 0.1
"""A tenth of the head's attention. On 4 x 4 mazes hand-built adjacency heads reach 1 and untrained heads stay below
0.05; less than this also moves the residual stream too little to name a head after it."""
_INCIDENT, _WALLED, _FAR = range(3)


@dataclass(frozen=True, kw_only=True)
class AdjacencyHeads(Shown):
    """The adjacency score of every head, and the best one confirmed."""

    finding: Finding
    """Adj of the head that is best on one half, on the other; its control is the attention to walled edges."""
    head: tuple[int, int]
    """(layer, head) of the best head."""
    scores: Float[ndarray, "layer head"]
    """Mean Adj on the held-out half."""
    p_values: Float[ndarray, "layer head"]
    """Of the half that heads are chosen on, corrected for the maximum over heads."""
    confirmed: tuple[tuple[int, int], ...]
    """Heads chosen on one half, whose score on the other exceeds the threshold and is no chance (5 % FDR)."""
    stability: float
    """Jaccard stability of the choice under mazes drawn again, 0 to 1."""
    incident: Interval
    """Attention of the best head to the edges of the current cell, in shares of 1."""
    walled: Interval
    """What it gives as many walled edges."""
    far: Interval
    """What it gives as many other edges."""
    untrained: Finding | None
    """The same for the control model, with a best head of its own."""


def find_adjacency_heads(
    model: HookedTransformer,
    decisions: Decisions,
    *,
    control_model: HookedTransformer | None = None,
    attention: GroupedAttention | None = None,
    seed: int = 0,
) -> AdjacencyHeads:
    """Measure every head's adjacency score.

    Args:
        model: The model under study.
        decisions: Where attention starts from.
        control_model: An untrained twin, if one is wanted.
        attention: `adjacency_attention(model, decisions)` after `stream_patterns`, where one run serves several scores.
        seed: Seed of halves, sign flips and intervals.

    Raises:
        ConfigurationError: The mazes are too few for an interval or not written in the model's words, or the prompt
            lists no edges.
    """
    require_edges_in_prompt(decisions.spans.layout, "adjacency attention")
    check_tokens(model, decisions.spans.layout)
    check_mazes(model, max(decisions.batch.shape), len(decisions.batch))
    shares = _shares(attention or _measured(model, decisions), decisions)
    differences = shares[..., _INCIDENT] - shares[..., _WALLED]
    layouts, halves = layouts_of(decisions.batch), split_halves(decisions.batch, seed)
    discovery, confirmation = differences[halves.fit], differences[halves.held_out]
    chosen_on, judged = layouts[halves.fit], layouts[halves.held_out]
    selected = select_heads(discovery, THRESHOLD, layouts=chosen_on, seed=seed)
    p_values = sign_flip_p_values(confirmation, layouts=judged, seed=seed)
    means = mean_over_mazes(confirmation)
    confirmed = selected & (means > THRESHOLD)
    confirmed[confirmed] = false_discovery_rate(p_values[confirmed])
    best = int(np.argmax(mean_over_mazes(discovery)))
    parts = head_means(shares[halves.held_out, best], layouts=judged, seed=seed)
    grid = (model.cfg.n_layers, model.cfg.n_heads)
    return AdjacencyHeads(
        finding=_finding(confirmation[:, best], judged, parts[_WALLED], seed),
        head=_layer_and_head(best, grid),
        scores=means.reshape(grid),
        p_values=sign_flip_p_values(discovery, layouts=chosen_on, seed=seed).reshape(grid),
        confirmed=tuple(_layer_and_head(int(each), grid) for each in np.flatnonzero(confirmed)),
        stability=selection_stability(discovery, THRESHOLD, layouts=chosen_on, seed=seed),
        incident=parts[_INCIDENT],
        walled=parts[_WALLED],
        far=parts[_FAR],
        untrained=find_adjacency_heads(control_model, decisions, seed=seed).finding if control_model else None,
    )


def adjacency_attention(model: HookedTransformer, decisions: Decisions) -> GroupedAttention:
    """Return the reducer of this score, for `stream_patterns`.

    Raises:
        ConfigurationError: The prompt lists no edges.
    """
    require_edges_in_prompt(decisions.spans.layout, "adjacency attention")
    groups, weights = _groups(decisions)
    return GroupedAttention(model, decisions, groups, weights)


def _measured(model: HookedTransformer, decisions: Decisions) -> GroupedAttention:
    attention = adjacency_attention(model, decisions)
    stream_patterns(model, decisions, [attention])
    return attention


def _shares(attention: GroupedAttention, decisions: Decisions) -> Float[ndarray, "maze heads 3"]:
    """Return each maze's mean attention by group; nan for a maze without a decision that has a control."""
    counted = decisions_per_maze(decisions.take(attention.weights[:, _INCIDENT] > 0))
    sums = attention.sums.reshape(len(counted), -1, 3).astype(np.float64)
    return np.where(counted[:, None, None] > 0, sums / np.maximum(counted, 1)[:, None, None], np.nan)


def _groups(decisions: Decisions) -> tuple[Int64[ndarray, "decision pos"], Float[ndarray, "decision 3"]]:
    """Return the group of each token, and weights that bring walled and far tokens to the number of incident ones."""
    shape, cols = decisions.batch.shape, decisions.batch.shape[1]
    cell = flat_cells(decisions)
    ends = listed_cells(decisions.spans, shape)[decisions.maze]
    incident = (ends == cell[:, None, None]).any(axis=2)
    near = (
        np.abs(ends // cols - (cell // cols)[:, None, None]) + np.abs(ends % cols - (cell % cols)[:, None, None]) == 1
    )
    neighbours = _open_neighbours(ends, cell, incident)
    walled = (near & ~neighbours).any(axis=2) & (ends[..., 0] >= 0) & ~incident
    tokens = decisions.tokens.numpy()
    own = tokens[decisions.maze] == tokens[decisions.maze, decisions.position, None]
    groups = np.select([(ends[..., 0] < 0) | own, incident, walled], [-1, _INCIDENT, _WALLED], _FAR)
    counts = group_sizes(groups, 3).astype(np.float64)
    weights = np.where(counts > 0, counts[:, :1] / np.maximum(counts, 1), 0.0)
    # without a control the whole decision is left out
    return groups, weights * (counts[:, [_WALLED]] > 0)


def _open_neighbours(ends: ndarray, cell: ndarray, incident: ndarray) -> ndarray:
    """Return Bool[decision, pos, 2]: whether an end of a listed edge is joined to the decision's cell."""
    other = np.where(incident, np.where(ends[..., 0] == cell[:, None], ends[..., 1], ends[..., 0]), -1)
    joined = np.zeros((len(cell), int(ends.max(initial=0)) + 2), np.bool_)
    joined[np.arange(len(cell))[:, None], other] = True
    joined[:, -1] = False
    return joined[np.arange(len(cell))[:, None, None], ends]


def _finding(
    differences: Float[ndarray, " maze"], layouts: Int64[ndarray, " maze"], walled: Interval, seed: int
) -> Finding:
    present = np.isfinite(differences)
    return Finding(
        name="attention of the best head to the edges of the current cell, walled control subtracted",
        effect=head_means(differences[:, None], layouts=layouts, seed=seed)[0],
        threshold=THRESHOLD,
        num_mazes=int(present.sum()),
        num_layouts=num_clusters(layouts[present]),
        control=walled,
        control_name="as many edges at cells next door but behind a wall",
    )


def _layer_and_head(flat: int, grid: tuple[int, int]) -> tuple[int, int]:
    return flat // grid[1], flat % grid[1]
