"""One loop of a search over listed cells: the token of a cell names its open neighbours, and holds the cell's state.

A head looks from each cell at its k open neighbours and at the first token, all alike, so that of what q of them hold
it brings q / (k + 1), and 1 / (k + 1) as the share of one. One round is

    wave       reached' = step(8 brought + 4 target + 4 reached - 0.6),
    filling    dead'    = step(40 (brought + 2 share - 0.9) - 400 target + 400 dead - 400 (1 - ready)),

as all but one neighbour are dead where q >= k - 1, that is (q + 2) / (k + 1) >= 1; else it is 0.8 or less.
A path's cell has to look up its open neighbours first, at the listed cell.
"""

import numpy as np
from numpy import ndarray

from maze_rl.calibration.looped_layout import (
    SURE,
    bring,
    brought,
    fill,
    find_goal,
    find_path,
    find_visited,
    keep,
    meet,
    or_nothing,
    prefer,
    spread,
    tidy,
)
from maze_rl.calibration.residual_layout import ResidualLayout
from maze_rl.calibration.weights import Weights
from maze_rl.tokenization.layouts import STEPS, Layout

TOKEN_FIELDS = ("listed", "named", "opens")
FIELDS = tuple(map(brought, ("goal", "around", "next", "visited")))
FLAGS = ("target", "reached", "dead", *map(brought, ("ready", "on_path", "reached", "dead", "share")))
N_HEADS = 6
HEAD_FIELDS = 1
"""Fields, of a dimension for each cell, that a head has room for."""


def embed(embedding: ndarray, at: ResidualLayout, layout: Layout) -> None:
    """Write into W_E which cell a token lists, and its open neighbours."""
    canvas, ids = layout.canvas, layout.open_cell_ids
    assert ids is not None
    for row, col, sides in np.ndindex(ids.shape):
        embedding[ids[row, col, sides], at["listed"][row * canvas + col]] = 1
        for bit, (down, right) in enumerate(STEPS.tolist()):
            if sides >> bit & 1 and 0 <= row + down < canvas and 0 <= col + right < canvas:
                neighbour = (row + down) * canvas + col + right
                embedding[ids[row, col, sides], at["opens"][neighbour]] = 1


def fill_loop(weights: Weights, *, spreads: bool, fills: bool, most_loops: int) -> None:
    """Set attention and MLP of the one block.

    Args:
        weights: The arrays to fill.
        spreads: Whether a wave spreads from the target.
        fills: Whether dead ends are filled.
        most_loops: Loops up to which the choice is sure.
    """
    _attend(weights, most_loops)
    _compute(weights, spreads, fills)


def _attend(weights: Weights, most_loops: int) -> None:
    at = weights.layout
    look = weights.head(0, 0)
    look.match_any((at["opens"], at["around"]), at["listed"], SURE)
    or_nothing(look, at, 1.0)
    bring(look, at, "reached", "reached")
    bring(look, at, "dead", "dead")
    bring(look, at, "first", "share")
    own = weights.head(0, 1)
    own.match(at["named"], at["listed"], SURE)
    or_nothing(own, at, 0.5)
    bring(own, at, "opens", "around")
    find_goal(weights, 2)
    find_path(weights, 3)
    choose = weights.head(0, 4)
    fit = prefer(choose, at, most_loops)
    choose.match_any((at["opens"], at["around"]), at["listed"], fit)
    choose.match(at["one"], at["first"], 0.5 * fit)
    bring(choose, at, "listed", "next")
    find_visited(weights, 5)


def _compute(weights: Weights, spreads: bool, fills: bool) -> None:
    at, neurons = weights.layout, weights.neurons(0)
    if spreads:
        spread(neurons, at, [(at[brought("reached")], 8.0), (at["target"], 4.0)])
    if fills:
        fill(neurons, at, "dead", "dead", "share", "target")
    meet(neurons, at, "listed", "target")
    meet(neurons, at, "named", "arrived")
    keep(neurons, at, ("goal", "around", "next", "visited", "ready", "on_path"))
    tidy(neurons, at, TOKEN_FIELDS)
