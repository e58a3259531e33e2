"""Figures of attention: scores of all heads, where a head looks on a maze, and rings by layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from maze_rl.interp.attention.frontier_heads import FrontierHeads
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.reports.search.heat_grids import grid_figure
from maze_rl.reports.search.layer_curves import LayerCurve, layer_curves
from maze_rl.reports.search.maze_overlays import EdgeOverlay, by_edge, overlay_figure
from maze_rl.reports.search.search_result import DecisionAttention
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ANCHOR_NAMES = {"target": "around the target", "origin": "around the origin", "current": "around the current cell"}


def heads_figure(
    scores: Float[ndarray, "layer head"], named: Sequence[tuple[int, int]], *, width: float | int = WIDTH / 2
) -> "Figure":
    """Draw a score of every head, heads by layers, with a frame around `named` ones."""
    outlined = np.zeros(scores.shape, np.bool_)
    for layer, head in named:
        outlined[layer, head] = True
    num_layers, num_heads = scores.shape
    return grid_figure(
        scores.T,
        rows=[str(head) for head in range(num_heads)],
        columns=[str(layer) for layer in range(num_layers)],
        width=width,
        labels=("layer", "head"),
        outlined=outlined.T,
        diverging=True,
    )


def attention_on_maze(shown: Sequence[DecisionAttention], decisions: Decisions) -> "Figure":
    """Draw where heads look from decisions, one maze each."""
    return overlay_figure([_overlay(each, decisions) for each in shown])


def _overlay(shown: DecisionAttention, decisions: Decisions) -> EdgeOverlay:
    edges, values = edge_attention(shown, decisions)
    row, col = decisions.cells[shown.decision].tolist()
    return EdgeOverlay(
        maze=decisions.batch[int(decisions.maze[shown.decision])],
        title=f"{shown.what}\nhead {shown.head} of layer {shown.layer}",
        edges=edges,
        values=values,
        scale=max(float(values.max(initial=0.0)), 1e-6),
        key="share of attention",
        here=(row, col),
    )


def edge_attention(shown: DecisionAttention, decisions: Decisions) -> tuple[ndarray, ndarray]:
    """Return the listed edges of the decision's maze and the attention to each."""
    edges = decisions.spans.edges[int(decisions.maze[shown.decision])].numpy().astype(np.int64)
    pattern = np.zeros(len(edges))
    pattern[: len(shown.pattern)] = shown.pattern[: len(edges)]
    return by_edge(pattern, edges)


def on_own_edges(shown: DecisionAttention, decisions: Decisions) -> float:
    """Return the share of attention that goes to the edges of the current cell."""
    edges, values = edge_attention(shown, decisions)
    cell = decisions.cells[shown.decision].astype(np.int64)
    other = edges[:, 1:] + np.where(edges[:, :1] == 0, [[1, 0]], [[0, 1]])
    touches = (edges[:, 1:] == cell).all(axis=1) | (other == cell).all(axis=1)
    return float(values[touches].sum())


def rings_figure(frontier: FrontierHeads, num_layers: int) -> "Figure":
    """Draw the mean ring that the frontier heads look at, layer by layer, for each anchor."""
    curves = [
        LayerCurve(
            name=_ANCHOR_NAMES[name],
            values=np.array(anchored.rings),
            first=anchored.layers[0],
            colour="blue" if name == frontier.winner else "reference-mid",
            bold=name == frontier.winner,
        )
        for name, anchored in frontier.anchors.items()
    ]
    return layer_curves(
        curves,
        names=[str(layer) for layer in range(num_layers)],
        label="mean ring looked at, steps",
        x_label="layer",
        width=WIDTH,
        height=2.8,
    )
