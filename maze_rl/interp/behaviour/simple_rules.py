"""Rules that choose the next cell by a look at the maze, without search: what a model must be told apart from.

Each rule is a plain function of the decisions and returns its picks, a set of options for every decision: several
where it is indifferent, none where it has nothing to say (those that go by the last step, at the origin).
"""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.tokenization.layouts import STEPS
from maze_rl.tokenization.spans import Region

Rule = Callable[[Decisions], Bool[ndarray, "decision 4"]]
_RIGHT, _LEFT = -1, 1
"""Turns, as steps in the order down, right, up, left."""


def manhattan(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Pick the options nearest to the target in Manhattan distance."""
    return _least(decisions, np.abs(_to_target(decisions)).sum(axis=2))


def straight_line(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Pick the option nearest to the target as the crow flies: it prefers the longer side of the rest of the way."""
    return _least(decisions, (_to_target(decisions) ** 2).sum(axis=2))


def straight_on(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Pick the direction of the last step, where it is open."""
    return decisions.options & (_turn(decisions) == 0)


def right_hand(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Follow the wall on the right: turn right, else go straight on, else turn left."""
    return _first_open(decisions, (_RIGHT, 0, _LEFT))


def left_hand(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Follow the wall on the left: turn left, else go straight on, else turn right."""
    return _first_open(decisions, (_LEFT, 0, _RIGHT))


def first_listed(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Pick the option whose edge (in format `cells`, whose cell) the prompt lists first."""
    return _least(decisions, _listed_at(decisions))


def last_listed(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Pick the option whose edge (in format `cells`, whose cell) the prompt lists last."""
    return _least(decisions, -_listed_at(decisions))


def lowest_id(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Pick the option whose token has the lowest id."""
    return _least(decisions, decisions.next_ids)


def highest_id(decisions: Decisions) -> Bool[ndarray, "decision 4"]:
    """Pick the option whose token has the highest id."""
    return _least(decisions, -decisions.next_ids)


RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            manhattan,
            straight_line,
            straight_on,
            right_hand,
            left_hand,
            first_listed,
            last_listed,
            lowest_id,
            highest_id,
        )
    }
)
"""The rules by name."""


def right_share(decisions: Decisions, picks: Bool[ndarray, "decision 4"]) -> Float64[ndarray, " decision"]:
    """Return how often one who draws among the picks is right; nan where there is none."""
    num = picks.sum(axis=1)
    return np.where(num > 0, (picks & decisions.optimal).sum(axis=1) / np.maximum(num, 1), np.nan)


def _to_target(decisions: Decisions) -> Int64[ndarray, "decision 4 2"]:
    """Return rows and columns from each neighbour to the target."""
    targets = decisions.batch.targets[decisions.maze].astype(np.int64)
    return targets[:, None] - (decisions.cells[:, None] + STEPS)


def _least(decisions: Decisions, cost: ndarray) -> Bool[ndarray, "decision 4"]:
    """Return the options of the least cost."""
    among = np.where(decisions.options, cost, np.inf)
    return decisions.options & np.equal(among, among.min(axis=1, keepdims=True))


def _turn(decisions: Decisions) -> Int64[ndarray, "decision 4"]:
    """Return the turn to each direction: -1 right, 0 straight on, 1 left; 9 at the origin, where there is none."""
    arrived_by = np.equal(decisions.previous[:, None] + STEPS, decisions.cells[:, None]).all(axis=2)
    heading = np.argmax(arrived_by, axis=1, keepdims=True)
    turns = (np.arange(4) - heading + 1) % 4 - 1
    return np.where(decisions.previous[:, :1] >= 0, turns, 9)


def _first_open(decisions: Decisions, order: tuple[int, int, int]) -> Bool[ndarray, "decision 4"]:
    turn = _turn(decisions)
    rank = np.select([turn == each for each in order], [0, 1, 2], 9)
    return _least(decisions, rank) & (rank < 9)


def _listed_at(decisions: Decisions) -> Int64[ndarray, "decision 4"]:
    """Return where the prompt begins to tell of the way to each neighbour; anything for closed ones."""
    rows, cols = decisions.batch.shape
    if decisions.spans.layout.lists_cells:
        return _cell_listed_at(decisions)
    edges = decisions.spans.edges.numpy()
    maze, position = np.nonzero(edges[..., 0] >= 0)
    place = np.zeros((len(edges), 2, rows, cols), np.int64)
    # the last write wins: the first token of each edge
    place[(maze[::-1], *edges[maze, position][::-1].T)] = position[::-1]
    corner = np.minimum(decisions.cells[:, None], decisions.cells[:, None] + STEPS).clip(min=0)
    return place[decisions.maze[:, None], np.arange(4) % 2, corner[..., 0], corner[..., 1]]


def _cell_listed_at(decisions: Decisions) -> Int64[ndarray, "decision 4"]:
    """Return where each neighbour stands in the list of cells."""
    rows, cols = decisions.batch.shape
    listed = (decisions.spans.regions == Region.ADJACENCY).numpy()
    maze, position = np.nonzero(listed)
    place = np.zeros((len(listed), rows, cols), np.int64)
    place[(maze, *decisions.spans.cells.numpy()[maze, position].T)] = position
    neighbours = np.clip(decisions.cells[:, None] + STEPS, 0, np.array([rows, cols]) - 1)
    return place[decisions.maze[:, None], neighbours[..., 0], neighbours[..., 1]]
