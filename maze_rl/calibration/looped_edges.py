"""One loop of a search over listed edges: the token of an edge holds its state, one end at a time.

A head for each end looks from an edge at the k edges that touch the end, the edge itself among them, and at the first
token, all alike. An edge is reached once an edge that it touches is, or once it touches the target; it is dead once all
others at one of its ends are, unless that end is the target:

    wave       reached' = step(8 (brought by a + brought by b) + 4 (target at a or b) + 4 reached - 0.6),
    filling    dead at a' = step(40 (brought by a + 2 share by a - 0.9) - 400 target at a + 400 dead at a - ...).

In a tree filling comes to an edge from one end alone. A path's cell chooses among the edges that touch it, and takes
the other end.
"""

from collections.abc import Iterator

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
from maze_rl.calibration.weights import Neurons, Weights
from maze_rl.tokenization.layouts import Layout

ENDS = ("a", "b")
TOKEN_FIELDS = ("pair", "named", "a", "b")
FIELDS = tuple(map(brought, ("goal", "pair", "near", "visited")))
FLAGS = (
    "reached",
    *(f"{what} at {end}" for end in ENDS for what in ("target", "dead")),
    *(brought(f"{what} by {end}") for end in ENDS for what in ("reached", "dead", "share")),
    *map(brought, ("ready", "on_path")),
)
N_HEADS = 7
HEAD_FIELDS = 1
"""Fields, of a dimension for each cell, that a head has room for."""


def edges_of(layout: Layout) -> Iterator[tuple[int, int, int, int]]:
    """Yield id, place among all lattice edges, and the two cells of every edge."""
    assert layout.edge_ids is not None
    for direction, row, col in zip(*np.nonzero(layout.edge_ids >= 0), strict=True):
        cell = int(row) * layout.canvas + int(col)
        other = cell + (layout.canvas if direction == 0 else 1)
        yield int(layout.edge_ids[direction, row, col]), int(direction) * layout.canvas**2 + cell, cell, other


def embed(embedding: ndarray, at: ResidualLayout, layout: Layout) -> None:
    """Write into W_E which cells a token's edge joins."""
    for word, _, cell, other in edges_of(layout):
        embedding[word, at["pair"][[cell, other]]] = 1
        embedding[word, [at["a"][cell], at["b"][other]]] = 1


def fill_loop(weights: Weights, *, spreads: bool, fills: bool, most_loops: int) -> None:
    """Set attention and MLP of the one block; arguments as for listed cells."""
    _attend(weights, most_loops)
    _compute(weights, spreads, fills)


def _attend(weights: Weights, most_loops: int) -> None:
    at = weights.layout
    for number, end in enumerate(ENDS):
        look = weights.head(0, number)
        look.match(at[end], at["pair"], SURE)
        or_nothing(look, at, 1.0)
        bring(look, at, "reached", f"reached by {end}")
        for dead in ENDS:
            look.copy(at[f"dead at {dead}"], at[brought(f"dead by {end}")])
        bring(look, at, "first", f"share by {end}")
    find_goal(weights, 2)
    find_path(weights, 3)
    choose = weights.head(0, 4)
    fit = prefer(choose, at, most_loops)
    choose.match(at["named"], at["pair"], fit)
    choose.match(at["one"], at["first"], 0.5 * fit)
    bring(choose, at, "pair", "pair")
    find_visited(weights, 5)
    find_around(weights, 6)


def find_around(weights: Weights, number: int) -> None:
    """Bring the cells of all edges that touch a path's cell."""
    at, head = weights.layout, weights.head(0, number)
    head.match(at["named"], at["pair"], SURE)
    or_nothing(head, at, 0.5)
    bring(head, at, "pair", "near")


def choose_cell(neurons: Neurons, at: ResidualLayout) -> None:
    """Take the other cell of the edge that was chosen, and know the cell's neighbours and whether it is the target."""
    meet(neurons, at, "named", "arrived")
    neurons.become(at["next"], [(at[brought("pair")], 1.0), (at["named"], -5.0)])
    neurons.clear(at["around"])
    neurons.step([(at[brought("near")], 6.0), (at["named"], -20.0)], at["around"])


def _compute(weights: Weights, spreads: bool, fills: bool) -> None:
    at, neurons = weights.layout, weights.neurons(0)
    if spreads:
        readings = [(at[brought(f"reached by {end}")], 8.0) for end in ENDS]
        spread(neurons, at, readings + [(at[f"target at {end}"], 4.0) for end in ENDS])
    for end in ENDS:
        if fills:
            fill(neurons, at, f"dead at {end}", f"dead by {end}", f"share by {end}", f"target at {end}")
        meet(neurons, at, end, f"target at {end}")
    choose_cell(neurons, at)
    keep(neurons, at, ("goal", "visited", "ready", "on_path"))
    tidy(neurons, at, TOKEN_FIELDS)
