"""The first two layers of every hand-built model: edges in one place each, marks, open neighbours, the target.

Layer 0. Where an edge is spelled ``a <--> b ;``, two heads at its ``;`` copy the cells one and three tokens back into
EDGE; where an edge is one token its embedding holds EDGE already. A third head copies the token before every position
into PREVIOUS, and its marks, so that the cells after ``<TARGET_START>`` and ``<ORIGIN_START>`` are known.

Layer 1. One head at a cell attends to the edges that touch it, with equal weight, and the MLP turns the cells it brings
into NEIGHBOURS; one head brings TARGET to every later position; one brings the origin to ``<PATH_START>``, where it is
the next token.

Scores of 2 (in units of the inverse temperature) mark what is looked for, 1 what is nearly so, and the first token
takes the attention at 1.5 where nothing fits.
"""

from maze_rl.calibration.position_code import turn_back
from maze_rl.calibration.weights import Head, Weights

FIELDS = ("token", "edge", "attended", "neighbours", "target")
"""`attended` is what the last head over edges brought; each MLP clears it."""
FLAGS = (
    "one",
    "first",
    "edge_mark",
    "origin_start",
    "target_start",
    "path_start",
    "is_origin",
    "is_target",
    "arrived",
)
CONSOLIDATING = (0, 0), (0, 1)
"""(layer, head) of the heads that gather an edge's cells at its ``;``."""
ADJACENCY = 1, 0
"""(layer, head) of the head that attends to the edges at the current cell."""
_OFFSET_SCORE = 240.0


def read_edges_and_marks(weights: Weights, spelled: bool, remembers: bool) -> None:
    """Fill layer 0.

    Args:
        weights: The arrays to fill.
        spelled: Edges are spelled by their cells, not one token each.
        remembers: Write the cell before into PREVIOUS.
    """
    at = weights.layout
    if spelled:
        for (layer, number), back in zip(CONSOLIDATING, (1, 3), strict=True):
            head = weights.head(layer, number)
            _look_back(head, weights, back)
            # elsewhere than at a mark the first token wins, whatever the angles say
            head.match(at["one"], at["first"], 10 * _OFFSET_SCORE)
            head.match(at["edge_mark"], at["first"], -10 * _OFFSET_SCORE)
            head.copy(at["token"], at["edge"])
    head = weights.head(0, 2)
    _look_back(head, weights, 1)
    head.copy(at["origin_start"], at["is_origin"])
    head.copy(at["target_start"], at["is_target"])
    if remembers:
        head.copy(at["token"], at["previous"])


def read_neighbours_and_query(weights: Weights, beta: float, target_into: tuple[str, ...], origin_into: str) -> None:
    """Fill layer 1.

    Args:
        weights: The arrays to fill.
        beta: Inverse temperature of attention.
        target_into: Fields that get the target's cell.
        origin_into: Field that gets the origin's cell at ``<PATH_START>``.
    """
    at = weights.layout
    attend_to_edges(weights.head(1, 0), weights, at["token"], beta)
    head = weights.head(1, 1)
    head.match(at["one"], at["is_target"], beta)
    head.match(at["one"], at["first"], 0.5 * beta)
    head.copy(at["token"], *(at[name] for name in target_into))
    head = weights.head(1, 2)
    head.match(at["path_start"], at["is_origin"], beta)
    head.match(at["one"], at["first"], 0.5 * beta)
    head.copy(at["token"], at[origin_into])
    neurons = weights.neurons(1)
    # the cell itself is brought with weight 1, each of at most four neighbours with 1/4 or more
    neurons.step([(at["attended"], 6.0), (at["token"], -20.0)], at["neighbours"])
    neurons.add([(at["token"], 1.0), (at["target"], 1.0)], -1.0, at["arrived"], 1.0)
    neurons.clear(at["attended"])


def attend_to_edges(head: Head, weights: Weights, cells, beta: float) -> None:
    """Let `head` attend, with equal weight, to the edges that touch the set of cells in the dimensions `cells`."""
    at = weights.layout
    head.match(cells, at["edge"], beta)
    head.match(at["one"], at["edge_mark"], beta)
    head.match(at["one"], at["first"], 1.5 * beta)
    head.copy(at["edge"], at["attended"])


def _look_back(head: Head, weights: Weights, steps: int) -> None:
    at = weights.layout
    head.match_by(turn_back(steps, at.position_dims), at["position"], at["position"], _OFFSET_SCORE)
