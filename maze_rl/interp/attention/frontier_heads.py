"""Heads whose gaze moves outwards by rings, layer after layer, as the frontier of a search does (attention score A3).

The edges of a maze lie in rings around an anchor: ring r holds those whose farther end is r steps from it. With m_r a
head's attention to ring r (averaged over the maze's decisions), n_r the edges in it and N all edges,

    E_r = m_r N / n_r,     ring_h(l) = sum_r r E_r / sum_r E_r,

so that a head that spreads evenly over edges sees every ring alike, however large. Per layer the head with the greatest
concentration sum_r E_r^2 / sum_r E_r stands for the layer. The score of a maze is the Spearman correlation of l and
ring(l) over a range of layers, less the same around another cell of the maze: whatever spreads over a maze also gets
farther from other cells.

A ring that hardly moves, or leaps once, counts as uncorrelated (`maze_rl.interp.attention.ring_drift`).

Anchors: the target (a search from it, backward chaining) and the origin or the current cell (forward). Heads,
range of layers and anchor are chosen on one half of the mazes, and the score is measured on the other; mazes of one
layout are in one half.
Backward chaining by one level per layer: Brinkmann et al. (2024), A Mechanistic Analysis of a Transformer Trained on a
Symbolic Multi-Step Reasoning Task.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int16, Int64
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
from maze_rl.interp.attention.ring_drift import best_range, ring_correlations, ring_slopes
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import Halves, split_halves
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.requirements import check_mazes, check_tokens, require_edges_in_prompt
from maze_rl.interp.sign_flips import head_means
from maze_rl.intervals import Interval, num_clusters
from maze_rl.mazes.breadth_first import distances_from
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.seeding import numpy_generator

ANCHORS = ("target", "origin", "current")
THRESHOLD = 0.3
"""Correlation beyond the control's."""
LEAST_ENRICHMENT = 1.5
"""Where no ring gets half as much again as if all attention were spread over the edges, the head looks at no ring, and
the layer has none; attention that is even over the sequence stays below 1."""
_OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class AnchoredFrontier(Shown):
    """How rings around one anchor are followed through the layers."""

    finding: Finding
    """Spearman(l, ring) less the control's, on the held-out half; the control is that around another cell."""
    spearman: Interval
    """The correlation itself."""
    slope: Interval
    """Rings per layer, around the anchor."""
    layers: tuple[int, int]
    """First and last layer of the range."""
    sureness: float
    """How surely the rings rise on the half that is chosen on: by this the winner among anchors is chosen."""
    heads: tuple[int, ...]
    """Head of each layer of the range."""
    rings: tuple[float, ...]
    """Mean ring of each layer of the range, on the held-out half; nan where no maze has one."""


@dataclass(frozen=True, kw_only=True)
class FrontierHeads(Shown):
    """The score for every anchor."""

    anchors: Mapping[str, AnchoredFrontier]
    """By anchor: target, origin, current."""

    @property
    def winner(self) -> str:
        """The anchor whose rings rise most surely on the half that is chosen on."""
        return max(ANCHORS, key=lambda name: self.anchors[name].sureness)

    @property
    def finding(self) -> Finding:
        """The winner's."""
        return self.anchors[self.winner].finding

    @property
    def direction(self) -> str:
        """`backward`, `forward`, or `none` where the winner's verdict is not yes."""
        if self.finding.verdict != "yes":
            return "none"
        return "backward" if self.winner == "target" else "forward"


def find_frontier_heads(
    model: HookedTransformer,
    decisions: Decisions,
    *,
    attention: Mapping[str, GroupedAttention] | None = None,
    seed: int = 0,
) -> FrontierHeads:
    """Look for a frontier in every layer's attention.

    Args:
        model: The model under study, of two layers or more.
        decisions: Where attention starts from.
        attention: `frontier_attention(model, decisions)` after `stream_patterns`, where one run serves several scores.
        seed: Seed of the control's cells, halves and intervals.

    Raises:
        ConfigurationError: The mazes are too few for an interval or not written in the model's words, or the prompt
            lists no edges.
    """
    require_edges_in_prompt(decisions.spans.layout, "frontier attention")
    check_tokens(model, decisions.spans.layout)
    check_mazes(model, max(decisions.batch.shape), len(decisions.batch))
    if attention is None:
        attention = frontier_attention(model, decisions, seed=seed)
        stream_patterns(model, decisions, list(attention.values()))
    counted = np.maximum(decisions_per_maze(decisions), 1)[:, None, None, None]
    enrichment = {name: each.sums / counted for name, each in attention.items()}
    layouts, halves = layouts_of(decisions.batch), split_halves(decisions.batch, seed)
    return FrontierHeads(
        anchors={name: _anchored(name, enrichment[name], enrichment[_OTHER], layouts, halves, seed) for name in ANCHORS}
    )


def frontier_attention(model: HookedTransformer, decisions: Decisions, *, seed: int = 0) -> dict[str, GroupedAttention]:
    """Return the reducers of this score by anchor, for `stream_patterns`; those of the control are named `other`.

    Raises:
        ConfigurationError: The prompt lists no edges.
    """
    require_edges_in_prompt(decisions.spans.layout, "frontier attention")
    batch, cols = decisions.batch, decisions.batch.shape[1]
    targets, origins = (ends.astype(np.int64) @ np.array([cols, 1]) for ends in (batch.targets, batch.origins))
    each = np.arange(len(batch))
    anchors = {
        "target": (each, targets),
        "origin": (each, origins),
        "current": (decisions.maze, flat_cells(decisions)),
        _OTHER: (each, _other_cells(targets, origins, batch.shape[0] * cols, seed)),
    }
    ends = listed_cells(decisions.spans, batch.shape)
    reducers = {}
    for name, (mazes, anchor) in anchors.items():
        rings = _rings(batch, mazes, anchor, ends)
        tokens = group_sizes(rings, int(rings.max()) + 1)
        weights = np.divide(tokens.sum(axis=1, keepdims=True), tokens, out=np.zeros(tokens.shape), where=tokens > 0)
        reducers[name] = GroupedAttention(model, decisions, rings, weights, per_maze=mazes is each)
    return reducers


def _rings(batch: MazeBatch, mazes: ndarray, anchor: ndarray, ends: ndarray) -> Int16[ndarray, "view pos"]:
    """Return the ring around a cell of each maze of the edge each token is part of; -1 for other tokens."""
    rings = np.empty((len(mazes), ends.shape[1]), np.int16)
    distances, queue = np.empty((2, batch.connections[0, 0].size), np.int32)
    for row, (maze, cell) in enumerate(zip(mazes, anchor, strict=True)):
        distances_from(batch.connections[maze], cell, distances, queue)
        rings[row] = np.where(ends[maze, :, 0] >= 0, distances[ends[maze]].max(axis=1), -1)
    return rings


def _other_cells(targets: ndarray, origins: ndarray, num_cells: int, seed: int) -> Int64[ndarray, " maze"]:
    """Draw for each maze a cell that is neither its target nor its origin."""
    draws = numpy_generator(seed, "other_cells").random((len(targets), num_cells))
    rows = np.arange(len(targets))
    draws[rows, targets] = draws[rows, origins] = -1
    return draws.argmax(axis=1)


def _anchored(
    name: str, enrichment: ndarray, other: ndarray, layouts: ndarray, halves: Halves, seed: int
) -> AnchoredFrontier:
    """Choose heads and layers on one half, and measure on the other."""
    fit, held_out = halves
    heads = _concentration(enrichment[fit]).argmax(axis=1)
    layers = np.arange(len(heads))
    rings, control = (_mean_rings(each[:, layers, heads]) for each in (enrichment, other))
    chosen, sureness = best_range(rings[fit], control[fit])
    inside, matched = rings[held_out][:, chosen], control[held_out][:, chosen]
    spearman, by_chance, slopes = ring_correlations(inside), ring_correlations(matched), ring_slopes(inside)
    columns = np.stack([spearman - by_chance, spearman, by_chance, slopes], axis=1)
    difference, alone, chance, slope = head_means(columns, layouts=layouts[held_out], seed=seed)
    finding = Finding(
        name=f"rank correlation of layer and ring around the {name}, that around another cell subtracted",
        effect=difference,
        threshold=THRESHOLD,
        num_mazes=int(np.isfinite(columns[:, 0]).sum()),
        num_layouts=num_clusters(layouts[held_out][np.isfinite(columns[:, 0])]),
        control=chance,
        control_name="rings around another cell of the maze",
    )
    present = np.maximum(np.isfinite(inside).sum(axis=0), 1)
    means = np.where(np.isfinite(inside).any(axis=0), np.nan_to_num(inside).sum(axis=0) / present, np.nan)
    return AnchoredFrontier(
        finding=finding,
        spearman=alone,
        slope=slope,
        sureness=sureness,
        layers=(chosen.start, chosen.stop - 1),
        heads=tuple(int(head) for head in heads[chosen]),
        rings=tuple(float(ring) for ring in means),
    )


def _concentration(enrichment: Float[ndarray, "maze layer head ring"]) -> Float[ndarray, "layer head"]:
    """Return the mean concentration; a maze where the head looks at no ring adds nothing."""
    totals = np.maximum(enrichment.sum(axis=-1), 1e-12)
    looks = enrichment.max(axis=-1) >= LEAST_ENRICHMENT
    return (looks * (enrichment**2).sum(axis=-1) / totals).mean(axis=0)


def _mean_rings(enrichment: Float[ndarray, "maze layer ring"]) -> Float[ndarray, "maze layer"]:
    """Return the mean ring by enrichment; nan where the head looks at no ring."""
    totals = enrichment.sum(axis=-1)
    means = (enrichment * np.arange(enrichment.shape[-1])).sum(axis=-1) / np.maximum(totals, 1e-12)
    return np.where(enrichment.max(axis=-1) >= LEAST_ENRICHMENT, means, np.nan)
