"""After how many rounds an algorithm could know where a cell must go: rival accounts of a search that spreads by loops.

In mazes without cycles, for a cell v that does not know where a walk starts:

- *wave*: a wave from the target reaches v after d(v) rounds, its distance from the target;
- *dead-end filling*: dead ends are filled from their tips, a cell a round, and v is left with one way out once all
  others are filled: after h(v) rounds, the length of the longest way from v that leads away from the target;
- *either*: both run at once, and v knows by the first that tells it: min(d(v), h(v)). This is the look-ahead k* of a
  walk that begins at v (`maze_rl.mazes.oracle`): who goes by openings alone, one step a round, and does not use where
  the target lies on the lattice, cannot know sooner;
- *doubling*: the reach of the wave doubles each round: log2 d(v), as where sets of reachable cells are merged (Saparov
  et al. 2024, arXiv 2412.04703);
- *Manhattan*: no search; the control, |rows apart| + |columns apart| from the target.

A cell's rounds say *when* it would be right, not what it answers then: on trees all algorithms end with one answer.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.cell_features import manhattan, neighbour_cells
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.lattice import MazeBatch

Rounds = Float64[ndarray, "maze cell"]


def wave_rounds(mazes: MazeBatch) -> Rounds:
    """Return d(v), steps to the target, of every cell, row by row.

    Raises:
        ConfigurationError: The mazes are no trees that join all their cells.
    """
    return _distances(mazes).astype(np.float64)


def filling_rounds(mazes: MazeBatch) -> Rounds:
    """Return h(v), the steps of the longest way from every cell away from the target.

    Raises:
        ConfigurationError: The mazes are no trees that join all their cells.
    """
    distances, moves = _distances(mazes), label_cells(mazes).optimal.argmax(axis=2)
    nearer = neighbour_cells(mazes.shape)[np.arange(distances.shape[1]), moves]
    rounds = np.zeros(distances.shape, np.int64)
    for steps in range(int(distances.max(initial=0)), 0, -1):
        maze, cell = np.nonzero(distances == steps)
        np.maximum.at(rounds, (maze, nearer[maze, cell]), rounds[maze, cell] + 1)
    return rounds.astype(np.float64)


def either_rounds(mazes: MazeBatch) -> Rounds:
    """Return min(d(v), h(v)); errors as for `wave_rounds`."""
    return np.minimum(wave_rounds(mazes), filling_rounds(mazes))


def doubling_rounds(mazes: MazeBatch) -> Rounds:
    """Return log2 d(v), 0 at the target; errors as for `wave_rounds`."""
    return np.log2(np.maximum(wave_rounds(mazes), 1.0))


def manhattan_rounds(mazes: MazeBatch) -> Rounds:
    """Return the Manhattan distance of every cell from the target: no rounds at all, but a control."""
    return manhattan(mazes, mazes.targets).astype(np.float64)


CLOCKS: Mapping[str, Callable[[MazeBatch], Rounds]] = MappingProxyType(
    {
        "wave": wave_rounds,
        "dead-end filling": filling_rounds,
        "either": either_rounds,
        "doubling": doubling_rounds,
        "Manhattan": manhattan_rounds,
    }
)


def _distances(mazes: MazeBatch) -> Int64[ndarray, "maze cell"]:
    distances = label_cells(mazes).distances.astype(np.int64)
    cycles = mazes.connections.sum(axis=(1, 2, 3)) != distances.shape[1] - 1
    if (distances < 0).any() or cycles.any():
        raise ConfigurationError(
            "rounds of algorithms are told apart on mazes without cycles that join all their cells: use dfs or wilson."
        )
    return distances
