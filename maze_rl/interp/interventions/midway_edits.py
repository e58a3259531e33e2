"""A maze that changes in the middle of its search: how fast does the change of an edge travel, and is it followed?

After some loops the prompt becomes that of another maze with the same target: of a flip pair, in which one edge is
closed and another opened (`flip_pairs`). What the cells hold stays as it is, and all later loops recall the new maze.
Counted are the cells whose shortest moves differ between the two. A cell has *followed* from the loop on from which its
answers are right for the new maze up to the last; its steps are those from the nearest cell whose sides changed,
in the new maze. A search whose state passes from neighbour to neighbour follows the later the farther; one that only
adds to what it holds, as waves and fillings set by hand do, does not follow beyond the change itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import LoopAnswers, answers_by_loop, are_among
from maze_rl.interp.inputs.cell_features import open_to
from maze_rl.interp.maze_draws import layouts_of, rates_over_layouts
from maze_rl.intervals import Interval
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.lattice import MazeBatch

BINS = ((0, 1), (2, 3), (4, 6), (7, 10), (11, 400))
"""Steps from the change, both ends included."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MidwayEdit(Shown):
    """The answers of cells while their maze changes."""

    before: MazeBatch
    after: MazeBatch
    loop: int
    """The loop after which the maze changes."""
    answers: LoopAnswers
    """Of mazes that change, against `before`."""

    def following(self, loop: int, *, seed: int = 0) -> Mapping[tuple[int, int], Interval]:
        """Return which share of the cells that count is right for the new maze after `loop` loops, by steps.

        Intervals are over layouts; ranges without cells are left out.

        Raises:
            ConfigurationError: There is no such loop.
        """
        if not 1 <= loop <= self.answers.moves.shape[1]:
            raise ConfigurationError(f"loop is {loop}: these answers have loops 1 to {self.answers.moves.shape[1]}.")
        right, layouts, found = self._right_after[:, loop - 1], layouts_of(self.before), {}
        for low, high in BINS:
            where = self.counted & (self.steps >= low) & (self.steps <= high)
            if where.any():
                sums = ((each & where).sum(axis=1)[:, None].astype(np.float64) for each in (right, where))
                (found[low, high],) = rates_over_layouts(layouts, *sums, seed=seed)
        return found

    @cached_property
    def counted(self) -> Bool[ndarray, "maze cell"]:
        """The cells from which the two mazes demand different moves."""
        after = label_cells(self.after)
        return self.answers.asked & (after.distances > 0) & ~(after.optimal & self.answers.optimal).any(axis=2)

    @cached_property
    def steps(self) -> Int64[ndarray, "maze cell"]:
        """Steps of every cell, in the new maze, from the nearest one whose sides changed; -1 without a way there."""
        changed = self.before.connections != self.after.connections
        touched = changed.any(axis=1)
        touched[:, 1:] |= changed[:, 0, :-1]
        touched[:, :, 1:] |= changed[:, 1, :, :-1]
        found = np.where(touched, 0, -1).astype(np.int64)
        while (ring := (found < 0) & (open_to(self.after, found >= 0) > 0)).any():
            found[ring] = found.max() + 1
        return found.reshape(len(found), -1)

    @cached_property
    def _right_after(self) -> Bool[ndarray, "maze loop cell"]:
        return are_among(self.answers.moves, label_cells(self.after).optimal)


def edit_midway(
    model: HookedTransformer,
    before: MazeBatch,
    after: MazeBatch,
    *,
    loop: int,
    loops: int,
    seed: int = 0,
    batch_size: int = 8,
) -> MidwayEdit:
    """Let mazes change in the middle of the search.

    Args:
        model: A model with loops whose prompts list cells and do not name the origin.
        before: Mazes of one size.
        after: What they become, with the same targets; ``pairs.pairs.clean`` and ``flipped`` of `make_pairs`, say.
        loop: The loop after which they do, counted from 1.
        loops: How many there are in all.
        seed: Seed of the order in which prompts list cells.
        batch_size: Mazes run at once.

    Raises:
        ConfigurationError: The mazes do not belong together, a number is out of range, or the model lacks what
            `answers_by_loop` needs.
    """
    check_count("loop", loop)
    if loop >= loops:
        raise ConfigurationError(f"loop is {loop}, and there are {loops} loops: let the maze change earlier.")
    answers = answers_by_loop(model, before, loops=loops, then=(loop, after), seed=seed, batch_size=batch_size)
    return MidwayEdit(before=before, after=after, loop=loop, answers=answers)
