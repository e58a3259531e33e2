"""What a search could hold at each cell, and what is known of a cell without search: labels and base of cell probes.

In a model whose prompt lists cells each cell has a stream of its own. Its labels here are those of the cell itself,
whatever the origin: where a shortest path goes on, how far the target is, how deep the dead ends behind it are.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from maze_rl.interp.inputs.algorithm_clocks import either_rounds, filling_rounds, wave_rounds
from maze_rl.interp.inputs.cell_features import neighbour_cells, open_sides
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.lattice import MazeBatch

Columns = Float64[ndarray, "maze cell column"]


def next_step(mazes: MazeBatch) -> Columns:
    """Return 1 for the shortest moves down, right, up and left, shared evenly; 0 at the target."""
    optimal = label_cells(mazes).optimal.astype(np.float64)
    return optimal / np.maximum(optimal.sum(axis=2, keepdims=True), 1)


def _rounds(clock: Callable[[MazeBatch], Float64[ndarray, "maze cell"]]) -> Callable[[MazeBatch], Columns]:
    return lambda mazes: clock(mazes)[..., None]


CELL_VARIABLES: Mapping[str, Callable[[MazeBatch], Columns]] = MappingProxyType(
    {
        "next step": next_step,
        "distance": _rounds(wave_rounds),
        "dead-end depth": _rounds(filling_rounds),
        "look-ahead": _rounds(either_rounds),
    }
)
"""Name -> labels: where to go on; d(v), steps to the target; h(v), the longest way from v away from the target; and
min(d(v), h(v)), the steps one must look ahead."""


def local_features(mazes: MazeBatch) -> Columns:
    """Return what is known of each cell one step around it, and of where it lies from the target.

    Open sides of the cell and, through them, of its open neighbours; row and column one-hot, those of the target's
    offset, and the Manhattan distance.
    """
    rows, cols = mazes.shape
    sides = open_sides(mazes).astype(np.float64)
    neighbours = neighbour_cells(mazes.shape)
    around = np.where(neighbours[None, ..., None] >= 0, sides[:, neighbours.clip(min=0)], 0)
    seen = (around * sides[..., None]).reshape(*sides.shape[:2], 16)
    place = np.stack(np.divmod(np.arange(rows * cols), cols), axis=1)
    offset = mazes.targets.astype(np.int64)[:, None] - place
    parts = [
        sides,
        seen,
        np.broadcast_to(np.eye(rows)[place[:, 0]], (len(mazes), rows * cols, rows)),
        np.broadcast_to(np.eye(cols)[place[:, 1]], (len(mazes), rows * cols, cols)),
        np.eye(2 * rows - 1)[offset[..., 0] + rows - 1],
        np.eye(2 * cols - 1)[offset[..., 1] + cols - 1],
        np.abs(offset).sum(axis=2, keepdims=True),
    ]
    return np.concatenate([part.astype(np.float64) for part in parts], axis=2)
