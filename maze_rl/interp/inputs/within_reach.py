"""Choices within a reach: they ask for no more steps than a search of that reach sees.

What a search needs to see at a cell depends on how it goes: a wave from the target has to cover the *distance*,
dead-end filling the depth of the wrong branches, and a search that does both the smaller of the two, the look-ahead.
Who knows where a walk came from need not ask about the way back: `dead_end_depth` and the oracle's `look_ahead` k*
leave it out. A cell that decides for itself, whatever walk comes by, has to (`filling` and `either`, see
`algorithm_clocks`).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Int16, Int64
from numpy import ndarray

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.interp.inputs.algorithm_clocks import either_rounds, filling_rounds
from maze_rl.interp.inputs.cell_features import flat
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.lattice import MazeBatch

Axis = Literal["look_ahead", "distance", "dead_end_depth", "filling", "either"]
WORDS: dict[Axis, str] = {
    "look_ahead": "of look-ahead",
    "distance": "from the target",
    "dead_end_depth": "into dead ends",
    "filling": "into dead ends on all sides",
    "either": "of look-ahead on all sides",
}
"""What the steps of each axis are."""
AXES: tuple[Axis, ...] = get_args(Axis)
_CLOCKS = {"filling": filling_rounds, "either": either_rounds}


def check_axis(axis: str) -> None:
    """Check the name of what steps are counted along.

    Raises:
        UnknownNameError: There is no such axis.
    """
    if axis not in AXES:
        raise unknown_name("axis", axis, AXES)


def steps_at(decisions: Decisions, axis: Axis) -> Int64[ndarray, " decision"]:
    """Return the steps that each decision needs.

    Raises:
        UnknownNameError: There is no such axis.
        ConfigurationError: Depths are asked for where a wrong branch never closes: the mazes have cycles.
    """
    check_axis(axis)
    if axis in _CLOCKS:
        cols = decisions.batch.shape[1]
        cells = decisions.cells[:, 0].astype(np.int64) * cols + decisions.cells[:, 1]
        return _CLOCKS[axis](decisions.batch)[decisions.maze, cells].astype(np.int64)
    steps = getattr(decisions, axis).astype(np.int64)
    if (steps < 0).any():
        raise ConfigurationError("dead ends have a depth in mazes without cycles: use dfs or wilson, or another axis.")
    return steps


@dataclass(frozen=True)
class Within(Shown):
    """Choices that need at most so many steps, in mazes without cycles.

    Raises:
        UnknownNameError: There is no such axis.
        ConfigurationError: `steps` is below 2: a fork lies two steps from its target at least.
    """

    axis: Axis
    steps: int

    def __post_init__(self) -> None:
        check_axis(self.axis)
        check_count("steps", self.steps, 2)

    @property
    def words(self) -> str:
        """The reach in a few words."""
        return f"{self.steps} steps {WORDS[self.axis]}"

    def cells(self, batch: MazeBatch, cells: Int16[ndarray, "maze 2"]) -> Bool[ndarray, " maze"]:
        """Tell which choices, one at a cell of each maze, lie within; the cell is entered from the origin's side."""
        return self._needed(batch)[np.arange(len(batch)), flat(batch, cells)] <= self.steps

    def _needed(self, batch: MazeBatch) -> Int64[ndarray, "maze cell"]:
        if self.axis in _CLOCKS:
            return _CLOCKS[self.axis](batch).astype(np.int64)
        labels = label_cells(batch)
        return (labels.distances if self.axis == "distance" else getattr(labels, self.axis)).astype(np.int64)
