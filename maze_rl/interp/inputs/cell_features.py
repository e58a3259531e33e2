"""What is true of the cells of a maze, as one row of numbers per maze: targets of probes, baselines and control labels.

Control labels are those of Hewitt and Liang, Designing and interpreting probes with control tasks (1909.03368): each
type of input, here a pair of origin and target, gets random labels that only a probe which learns by heart can give.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from maze_rl.displays.short_repr import short_repr
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.mazes.cell_labels import label_cells, random_cell_values
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.splits import maze_hashes
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.layouts import STEPS

Variable = Literal["distance", "alive"]
"""What a search keeps: d(v), steps to the target; or whether dead-end filling, run to the end, leaves v."""


class Halves(NamedTuple):
    """Rows of the mazes that probes are fitted on and chosen with, and of those they are judged on."""

    __repr__ = short_repr

    fit: Int64[ndarray, " fit"]
    held_out: Int64[ndarray, " held_out"]


def split_halves(batch: MazeBatch, seed: int = 0) -> Halves:
    """Split mazes into two halves; rotated and reflected images of one maze stay on one side.

    No less than half of the mazes are held out: where images do not come out even, a few more.

    Raises:
        ConfigurationError: So many mazes are one, rotated and reflected, that none are left to fit on.
    """
    kinds, kind_of = np.unique(maze_hashes(batch), return_inverse=True)
    order = numpy_generator(seed, "probe_halves").permutation(len(kinds))
    up_to = np.cumsum(np.bincount(order[kind_of]))
    first = up_to[order[kind_of]] <= len(batch) / 2
    if not first.any():
        raise ConfigurationError(
            f"{len(batch)} mazes have {len(kinds)} layouts, walls up to rotation and reflection, and no half of them "
            "can be kept apart: use more mazes, or larger ones."
        )
    return Halves(np.flatnonzero(first), np.flatnonzero(~first))


def variable_of(batch: MazeBatch, variable: Variable, steps: int | None = None) -> Float64[ndarray, "maze cell"]:
    """Return a search's variable at every cell, row by row.

    Args:
        batch: Mazes of one shape.
        variable: Its name.
        steps: What a search of so many steps holds: distances beyond are all one more, and dead ends that are deeper
            are not filled to their end; None for no limit.

    Raises:
        UnknownNameError: There is no such variable.
        ConfigurationError: Distances are asked for, and there are cells without a way to the target.
    """
    if variable not in get_args(Variable):
        raise unknown_name("variable", variable, get_args(Variable))
    if variable == "distance":
        distances = solve_batch(batch).distances.reshape(len(batch), -1)
        if cut_off := int((distances < 0).any(axis=1).sum()):
            raise ConfigurationError(
                f"{cut_off} of {len(batch)} mazes have cells from which no way leads to the target, so that these have "
                "no distance to it: use mazes without such cells, as dfs and wilson make (percolation leaves some)."
            )
        return distances.astype(np.float64) if steps is None else np.minimum(distances, steps + 1).astype(np.float64)
    return alive_after(batch, batch.shape[0] * batch.shape[1] if steps is None else steps).astype(np.float64)


def base_features(batch: MazeBatch) -> Float64[ndarray, "maze feature"]:
    """Return what is known without search: origin and target one-hot, and each cell's number of open sides.

    A linear map of these holds Manhattan(v, t) for all v, and the size, which is the same for all mazes of a batch.
    """
    return np.concatenate([one_hot(batch, batch.origins), one_hot(batch, batch.targets), degrees(batch)], axis=1)


def one_hot(batch: MazeBatch, cells: ndarray) -> Float64[ndarray, "maze cell"]:
    """Return one row per maze with a one at its cell."""
    rows, cols = batch.shape
    return np.eye(rows * cols)[flat(batch, cells)]


def flat(batch: MazeBatch, cells: ndarray) -> Int64[ndarray, " maze"]:
    """Return (row, col) as row * cols + col."""
    return cells[:, 0].astype(np.int64) * batch.shape[1] + cells[:, 1]


def degrees(batch: MazeBatch) -> Float64[ndarray, "maze cell"]:
    """Return the number of open sides of each cell."""
    everywhere = np.ones((len(batch), *batch.shape), bool)
    return open_to(batch, everywhere).reshape(len(batch), -1).astype(np.float64)


def open_sides(batch: MazeBatch) -> Bool[ndarray, "maze cell 4"]:
    """Return which sides of each cell are open: down, right, up, left."""
    down, right = (batch.connections[:, axis] for axis in (0, 1))
    up, left = np.zeros_like(down), np.zeros_like(right)
    up[:, 1:], left[:, :, 1:] = down[:, :-1], right[:, :, :-1]
    return np.stack([down, right, up, left], axis=-1).reshape(len(batch), -1, 4)


def open_edges(batch: MazeBatch) -> Float64[ndarray, "maze edge"]:
    """Return 1 for open and 0 for closed at every pair of neighbours: first the vertical ones, then the others."""
    down, right = batch.connections[:, 0, :-1], batch.connections[:, 1, :, :-1]
    return np.concatenate([down.reshape(len(batch), -1), right.reshape(len(batch), -1)], axis=1).astype(np.float64)


def neighbour_cells(shape: tuple[int, int]) -> Int64[ndarray, "cell 4"]:
    """Return the cell down, right, up and left of each cell, numbered row by row; -1 outside the grid."""
    rows, cols = shape
    place = np.stack(np.divmod(np.arange(rows * cols), cols), axis=1)[:, None] + STEPS
    inside = ((place >= 0) & (place < shape)).all(axis=2)
    return np.where(inside, place[..., 0] * cols + place[..., 1], -1).astype(np.int64)


def manhattan(batch: MazeBatch, cells: ndarray) -> Int64[ndarray, "maze cell"]:
    """Return |rows| + |columns| between each cell of the grid and one cell of each maze."""
    row, col = np.divmod(np.arange(batch.shape[0] * batch.shape[1]), batch.shape[1])
    return np.abs(row - cells[:, :1].astype(np.int64)) + np.abs(col - cells[:, 1:].astype(np.int64))


def alive_after(batch: MazeBatch, rounds: int) -> Bool[ndarray, "maze cell"]:
    """Return which cells are left after some rounds of dead-end filling; origin and target always are.

    In a tree, what is left in the end is the path between them.
    """
    kept = (one_hot(batch, batch.origins) + one_hot(batch, batch.targets) > 0).reshape(len(batch), *batch.shape)
    alive = np.ones((len(batch), *batch.shape), bool)
    for _ in range(rounds):
        left = kept | (alive & (open_to(batch, alive) >= 2))
        if (left == alive).all():
            break
        alive = left
    return alive.reshape(len(batch), -1)


def reached_after(batch: MazeBatch, rounds: int) -> Bool[ndarray, "maze cell"]:
    """Return which cells a breadth-first search from the target has reached after some rounds."""
    distances = solve_batch(batch).distances.reshape(len(batch), -1)
    return (distances >= 0) & (distances <= rounds)


def far_cells(batch: MazeBatch, least_steps: int) -> Bool[ndarray, "maze cell"]:
    """Return the cells at least so many steps from both origin and target; none that cannot be reached."""
    labels = label_cells(batch)
    return np.minimum(labels.distances, labels.frontier) >= least_steps


def of_other_mazes(values: Float64[ndarray, "maze column"], seed: int = 0) -> Float64[ndarray, "maze column"]:
    """Give every maze the values of another one: the same marginals, and nothing to find."""
    order = numpy_generator(seed, "other_mazes").permutation(len(values))
    shifted = np.empty_like(values)
    shifted[order] = values[np.roll(order, 1)]
    return shifted


def control_values(batch: MazeBatch, num: int, seed: int = 0) -> Float64[ndarray, "maze num"]:
    """Return numbers uniform on [0, 1) that depend on (origin, target, column, seed) alone: the control task."""
    cells = batch.shape[0] * batch.shape[1]
    pairs = flat(batch, batch.origins) * cells + flat(batch, batch.targets)
    return random_cell_values(pairs, num, seed).astype(np.float64)


def open_to(batch: MazeBatch, among: Bool[ndarray, "maze rows cols"]) -> Int64[ndarray, "maze rows cols"]:
    """Count each cell's neighbours in `among` that it is open to."""
    down, right = batch.connections[:, 0, :-1], batch.connections[:, 1, :, :-1]
    count = np.zeros(among.shape, np.int64)
    count[:, :-1] += down & among[:, 1:]
    count[:, 1:] += down & among[:, :-1]
    count[:, :, :-1] += right & among[:, :, 1:]
    count[:, :, 1:] += right & among[:, :, :-1]
    return count
