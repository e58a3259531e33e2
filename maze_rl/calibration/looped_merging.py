"""One loop of a search over listed edges that doubles its reach: sets of what lies ahead are merged.

For each of its two directions an edge holds the set of directed edges that lie ahead of it, those that follow at first.
In each loop it looks at all of them and adds what lies ahead of each (a model of what Saparov and others found in
trained transformers: 2024, arXiv 2412.04703):

    ahead' = step(G brought + 4 ahead + 4 following - 0.6),   leads' = step(G brought + 4 (ends at the target) + ...),

with G more than all edges there are, as what one of k edges holds is brought as 1 / (k + 1). After t loops a set
reaches 2^(t-1) edges ahead, and `leads` tells the directions that come to the target after 2^(t-1) - 1 edges or fewer.
From a path's cell one way leads there, as the mazes have no cycles; where none is known yet, an open one is chosen.
"""

import numpy as np
from numpy import ndarray

from maze_rl.calibration.looped_edges import choose_cell, edges_of, find_around
from maze_rl.calibration.looped_layout import (
    NOISE,
    SURE,
    bring,
    brought,
    find_goal,
    find_path,
    find_visited,
    keep,
    or_nothing,
    tidy,
)
from maze_rl.calibration.residual_layout import ResidualLayout
from maze_rl.calibration.weights import Neurons, Weights
from maze_rl.tokenization.layouts import Layout

WAYS = ("forth", "back")
"""Of an edge: from its upper or left cell to the other, and the other way round."""
_EDGE = ("edge down", "edge right")
"""Two fields that together have a dimension for every edge of the lattice."""


def _directed(name: str) -> tuple[str, ...]:
    """Return the four fields that together have a dimension for every directed edge: forth first, then back."""
    return tuple(f"{name}: {edge} {way}" for way in WAYS for edge in _EDGE)


TOKEN_FIELDS = (
    "pair",
    "named",
    *_EDGE,
    *_directed("following forth"),
    *_directed("following back"),
    *_directed("leaving"),
)
FIELDS = (
    *_directed("ahead forth"),
    *_directed("ahead back"),
    *(brought(name) for way in WAYS for name in _directed(f"ahead {way}")),
    *map(brought, ("goal", "pair", "near", "visited")),
)
FLAGS = (
    *(f"{what} {way}" for way in WAYS for what in ("ends", "leads")),
    *(brought(f"leads {way}") for way in WAYS),
    *map(brought, ("ready", "on_path")),
)
N_HEADS = 10
HEAD_FIELDS = 4
"""Fields, of a dimension for each cell, that a head has room for."""


def embed(embedding: ndarray, at: ResidualLayout, layout: Layout) -> None:
    """Write into W_E which edge a token is, what follows it both ways, and what leaves a plain cell."""
    num_edges = 2 * at.num_cells
    leaving: list[list[int]] = [[] for _ in range(at.num_cells)]
    for _, place, cell, other in edges_of(layout):
        leaving[cell].append(place)
        leaving[other].append(place + num_edges)
    for word, place, cell, other in edges_of(layout):
        embedding[word, at["pair"][[cell, other]]] = 1
        embedding[word, at.dims(_EDGE)[place]] = 1
        for way, end in zip(WAYS, (other, cell), strict=True):
            follows = [each for each in leaving[end] if each % num_edges != place]
            embedding[word, at.dims(_directed(f"following {way}"))[follows]] = 1
    for cell, word in enumerate(layout.cell_ids.ravel()):
        embedding[word, at.dims(_directed("leaving"))[leaving[cell]]] = 1


def fill_loop(weights: Weights) -> None:
    """Set attention and MLP of the one block."""
    _attend(weights)
    _compute(weights)


def _attend(weights: Weights) -> None:
    at, number = weights.layout, 0
    for own in WAYS:
        for half, way in enumerate(WAYS):
            look = weights.head(0, number)
            number += 1
            asked = at.dims(_directed(f"ahead {own}")[2 * half : 2 * half + 2])
            look.match(asked, at.dims(_EDGE), SURE)
            or_nothing(look, at, 1.0)
            look.copy(at.dims(_directed(f"ahead {way}")), _brought_sets(at, own))
            look.copy(at[f"leads {way}"], at[brought(f"leads {own}")])
    for half, way in enumerate(WAYS):
        choose = weights.head(0, number)
        number += 1
        choose.match(at.dims(_directed("leaving")[2 * half : 2 * half + 2]), at.dims(_EDGE), SURE)
        choose.match(at["one"], at[f"leads {way}"], SURE)
        or_nothing(choose, at, 1.5)
        bring(choose, at, "pair", "pair")
    find_around(weights, number)
    find_goal(weights, number + 1)
    find_path(weights, number + 2)
    find_visited(weights, number + 3)


def _compute(weights: Weights) -> None:
    at, neurons = weights.layout, weights.neurons(0)
    gain = 2.0 * (2 * at.num_cells + 1)
    for way in WAYS:
        ahead = at.dims(_directed(f"ahead {way}"))
        following = at.dims(_directed(f"following {way}"))
        neurons.step([(_brought_sets(at, way), gain), (ahead, 4.0), (following, 4.0)], ahead, bias=NOISE)
        neurons.clear(ahead)
        leads, ends = at[f"leads {way}"], at[f"ends {way}"]
        neurons.step([(at[brought(f"leads {way}")], gain), (leads, 4.0), (ends, 4.0)], leads, bias=NOISE)
        neurons.clear(leads)
        neurons.clear(ends)
    _find_ends(neurons, at)
    choose_cell(neurons, at)
    keep(neurons, at, ("goal", "visited", "ready", "on_path"))
    tidy(neurons, at, TOKEN_FIELDS)


def _find_ends(neurons: Neurons, at: ResidualLayout) -> None:
    """Mark the directions that end at the target."""
    cells = np.arange(at.num_cells)
    row, col = np.divmod(cells, at.canvas)
    for edge, inside, step in (("edge down", row < at.canvas - 1, at.canvas), ("edge right", col < at.canvas - 1, 1)):
        first = cells[inside]
        for way, end in (("forth", first + step), ("back", first)):
            readings = [(at[edge][first], 1.0), (at[brought("goal")][end], 1.0)]
            neurons.add(readings, -1.0, at[f"ends {way}"], 1.0)


def _brought_sets(at: ResidualLayout, way: str) -> ndarray:
    return at.dims([brought(name) for name in _directed(f"ahead {way}")])
