"""One cell's state set in the middle of a search: does what follows look like the algorithm's next rounds?

After some loop the stream of one cell x, the *taker*, is replaced by that of another cell of the same maze, the
*giver*; then the loops go on. If cells hold a wave's state, and the giver is the target itself, x becomes a second
source: its neighbours turn towards it first, those further away later, in the order of their steps from it. The control
has a giver that is no source: another cell, as far from the target as x at least.

Cells are asked where it shows: the shortest moves to x and to the target differ. *Following* is the share of them whose
answer is a shortest move to x.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int32, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import LoopAnswers, answers_by_loop, are_among
from maze_rl.interp.inputs.cell_features import flat
from maze_rl.interp.maze_draws import layouts_of, rates_over_layouts
from maze_rl.intervals import Interval
from maze_rl.mazes.cell_labels import CellLabels, label_cells
from maze_rl.mazes.lattice import MazeBatch, trusted_batch
from maze_rl.seeding import numpy_generator

BINS = ((1, 1), (2, 2), (3, 4), (5, 8))
"""Steps from the taker, both ends included."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Transplants(Shown):
    """What followed one state set in each maze, and what followed the control."""

    mazes: MazeBatch
    takers: Int64[ndarray, " maze"]
    """Cells whose state was replaced, numbered row by row."""
    loop: int
    """The loop after which it was."""
    answers: LoopAnswers
    """After the target's state was given."""
    control: LoopAnswers
    """After that of another cell."""

    def following(self, loop: int, *, control: bool = False, seed: int = 0) -> Mapping[tuple[int, int], Interval]:
        """Return which share of cells goes to the taker after `loop` loops, by steps from it.

        Intervals are over layouts; nan where no maze has such a cell.

        Raises:
            ConfigurationError: There is no such loop.
        """
        answers = self.control if control else self.answers
        if not 1 <= loop <= answers.moves.shape[1]:
            raise ConfigurationError(f"loop is {loop}: these answers have loops 1 to {answers.moves.shape[1]}.")
        towards = are_among(answers.moves[:, loop - 1 : loop], self._to_takers.optimal)[:, 0]
        layouts, found = layouts_of(self.mazes), {}
        for low, high in BINS:
            where = self._telling & (self._to_takers.distances >= low) & (self._to_takers.distances <= high)
            columns = (where & towards).sum(axis=1), where.sum(axis=1)
            right, counted = (each[:, None].astype(np.float64) for each in columns)
            found[low, high] = rates_over_layouts(layouts, right, counted, seed=seed)[0]
        return found

    @cached_property
    def _to_takers(self) -> CellLabels:
        cells = np.stack(np.divmod(self.takers, self.mazes.shape[1]), axis=1).astype(np.int16)
        return label_cells(trusted_batch(self.mazes.connections, self.mazes.origins, cells))

    @cached_property
    def _telling(self) -> ndarray:
        """Cells from which the taker and the target demand different moves."""
        return (
            self.answers.asked
            & (self._to_takers.distances > 0)
            & ~(self._to_takers.optimal & self.answers.optimal).any(axis=2)
        )


def transplant_target_state(
    model: HookedTransformer,
    mazes: MazeBatch,
    *,
    loop: int,
    loops: int,
    least_steps: int = 8,
    seed: int = 0,
    batch_size: int = 8,
) -> Transplants:
    """Give the state of the target to one cell of every maze, and that of another cell as a control.

    Args:
        model: A model with loops whose prompts list cells and do not name the origin.
        mazes: Mazes of one size.
        loop: The loop after which the state is set, counted from 1.
        loops: How many there are in all.
        least_steps: How far from the target the taker lies at least; mazes without such a cell are left out.
        seed: Seed of takers and givers, and of the prompts.
        batch_size: Mazes run at once.

    Raises:
        ConfigurationError: A number is out of range, too few cells are so far from the target, or the model lacks what
            `answers_by_loop` needs.
    """
    for name, value in (("loop", loop), ("loops", loops), ("least_steps", least_steps)):
        check_count(name, value)
    if loop > loops:
        raise ConfigurationError(f"loop is {loop}, and there are {loops} loops: set the state earlier.")
    distances = label_cells(mazes).distances
    chosen = np.flatnonzero((distances >= least_steps).sum(axis=1) >= 2)
    if len(chosen) == 0:
        raise ConfigurationError(f"no maze has two cells {least_steps} steps from its target: use larger mazes.")
    mazes, distances = mazes.take(chosen), distances[chosen]
    takers, others = _drawn_cells(distances, least_steps, seed)
    given: dict[str, Int64[ndarray, " maze"]] = {"answers": flat(mazes, mazes.targets), "control": others}
    ran = {
        name: answers_by_loop(
            model,
            mazes,
            loops=loops,
            edit=_Transplant(givers, takers, loop),
            seed=seed,
            batch_size=batch_size,
        )
        for name, givers in given.items()
    }
    return Transplants(mazes=mazes, takers=takers, loop=loop, **ran)


class _Transplant:
    """Replaces the takers' streams by the givers', after one loop."""

    def __init__(self, givers: Int64[ndarray, " maze"], takers: Int64[ndarray, " maze"], loop: int) -> None:
        self._givers, self._takers, self._loop = givers, takers, loop

    def __call__(self, loop: int, mazes: slice, streams: Tensor) -> Tensor:
        if loop == self._loop:
            rows = np.arange(len(streams))
            streams[rows, self._takers[mazes]] = streams[rows, self._givers[mazes]]
        return streams


def _drawn_cells(
    distances: Int32[ndarray, "maze cell"], least_steps: int, seed: int
) -> tuple[Int64[ndarray, " maze"], Int64[ndarray, " maze"]]:
    """Draw two different cells of each maze that are so far from its target, the nearer one first."""
    ranks = numpy_generator(seed, "transplants").random(distances.shape)
    drawn = np.where(distances >= least_steps, ranks, 2.0).argsort(axis=1)[:, :2]
    order = np.take_along_axis(distances, drawn, axis=1).argsort(axis=1, kind="stable")
    nearer, farther = np.take_along_axis(drawn, order, axis=1).T
    return nearer.astype(np.int64), farther.astype(np.int64)
