"""Pairs of mazes whose parts, put together, demand a step that neither demands alone: what S3 swaps between.

Mazes come in groups with the same fork u, where the path starts, and the same target. Of a *base* and a *source* in one
group, take the open neighbours of u from the base and the field of a search (distances, or the cells that lead on)
from the source. An ordered pair is kept if these demand one step, no other being as near, and that is neither the
base's own nor the source's: the source's path leaves u by another side and comes past this neighbour later, behind a
wall that the base does not have. A model that swaps whole answers goes the source's way, one that ignores the swap the
base's; no rule that looks at u, its neighbours and the target changes its mind, for these stay.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.configs.algorithms import TREES
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.cell_features import flat
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch, MazeCollection
from maze_rl.mazes.splits import maze_hashes
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.layouts import STEPS, Layout
from maze_rl.tokenization.tokenization import Tokenization

GROUP = 64
"""Mazes with one fork and target."""
_FAR, _MOST_DRAWINGS = 1 << 20, 32


@dataclass(frozen=True, eq=False)
class RecombinedMazes(Shown):
    """Groups of mazes, and the pairs found in them. Directions are 0 down, 1 right, 2 up, 3 left."""

    batch: MazeBatch
    """Origins are the forks."""
    group: Int64[ndarray, " maze"]
    held_out: Bool[ndarray, " maze"]
    """Mazes that effects are measured on; images of one maze are all on one side."""
    tokens: Int64[Tensor, "maze pos"]
    """Whole sequences."""
    position: Int64[ndarray, " maze"]
    """Decision position: the token of the fork."""
    neighbours: Bool[ndarray, "maze cell"]
    """Cells that the fork is open to."""
    right: Int64[ndarray, " maze"]
    """Id of the maze's own right step."""
    base: Int64[ndarray, " pair"]
    source: Int64[ndarray, " pair"]
    """Rows of the batch; every maze is the base of one pair at most, and the source of one, in its half."""
    answer: Int64[ndarray, " pair"]
    """Id of the step that the base's sides and the source's field demand together."""
    written: Layout
    """How the sequences are written."""

    @property
    def ends(self) -> Int64[ndarray, " maze"]:
        """Fork and target of each maze as one number: equal in all groups that drew the same two cells."""
        cells = self.batch.shape[0] * self.batch.shape[1]
        return flat(self.batch, self.batch.origins) * cells + flat(self.batch, self.batch.targets)

    def __len__(self) -> int:
        return len(self.base)


def recombine_mazes(
    tokenization: Tokenization, spec: MazeSpec, *, num: int, within: Within | None = None, seed: int = 0
) -> RecombinedMazes:
    """Make mazes without cycles in groups, and find the pairs.

    Args:
        tokenization: How they are written; the offset on the canvas is fixed.
        spec: Size, algorithm and split of the mazes; their endpoints are drawn here.
        num: Mazes made, within the reach; pairs are some tenths of them.
        within: The reach that the choice at every fork lies within; None for no limit.
        seed: Seed of walls, forks and targets, halves and pairs.

    Raises:
        ConfigurationError: The algorithm may leave cycles or cells out of reach, or its options do, there are several
            sizes or one without forks, `num` is below 1, or too few pairs are found for an interval.
    """
    check_count("num", num)
    _check_spec(spec)
    random = numpy_generator(seed, "recombined_mazes")
    batch, group = _drawn_groups(spec, num, within, random, seed)
    starts = find_decisions(tokenization, batch, seed=seed)
    starts = starts.take(starts.previous[:, 0] < 0)
    kinds, kind_of = np.unique(maze_hashes(batch), return_inverse=True)
    held_out = random.permutation(len(kinds))[kind_of] >= len(kinds) / 2
    steps, leads_on = _fields(starts)
    own = starts.optimal.argmax(axis=1)
    pairs = [
        _match(np.flatnonzero((group == each) & (held_out == half)), starts.options, own, steps, leads_on, random)
        for each in np.unique(group)
        for half in (False, True)
    ]
    base, source, side = np.concatenate(pairs, axis=1)
    if min((~held_out[base]).sum(), held_out[base].sum()) < FEWEST_MAZES:
        raise ConfigurationError(
            f"only {len(base)} pairs for interchange were found among {num} mazes of size {spec.sizes[0]}: use more "
            f"mazes or larger ones."
        )
    # held-out mazes are swapped between and nothing else: those in no pair are not needed
    kept = np.union1d(np.flatnonzero(~held_out), np.concatenate([base, source]))
    answer = starts.next_ids[base, side]
    base, source, starts = np.searchsorted(kept, base), np.searchsorted(kept, source), starts.take(kept)
    return RecombinedMazes(
        batch=batch.take(kept),
        group=group[kept],
        held_out=held_out[kept],
        tokens=starts.tokens[kept],
        position=starts.position,
        neighbours=_open_neighbours(starts),
        right=starts.next_ids[np.arange(len(kept)), own[kept]],
        base=base,
        source=source,
        answer=answer,
        written=starts.spans.layout,
    )


def _drawn_groups(
    spec: MazeSpec, num: int, within: Within | None, random: np.random.Generator, seed: int
) -> tuple[MazeBatch, Int64[ndarray, " maze"]]:
    """Draw a fork and a target for every group, and mazes until each has so many within the reach or gives up."""
    rows, cols = spec.shapes[0]
    most = within.steps if within is not None and within.axis == "distance" else _FAR
    group = np.arange(num) // GROUP
    ends = np.stack([_fork_and_target((rows, cols), most // 2, random) for _ in range(group[-1] + 1)])[group]
    origins, targets = (np.ascontiguousarray(ends[:, each]).astype(np.int16) for each in (0, 1))
    parts, groups, missing = [], [], np.bincount(group)
    for drawing in range(1 if within is None else _MOST_DRAWINGS):
        drawn = generate_mazes(spec, np.arange(drawing * num, (drawing + 1) * num), seed).batches[0]
        if (drawn.connections.sum(axis=(1, 2, 3)) < rows * cols - 1).any():  # a tree of all cells has so many edges
            raise ConfigurationError(
                f"some of these {spec.algorithm} mazes have cells out of reach, and pairs for interchange need all: "
                "leave accessible_cells and max_depth at their defaults."
            )
        batch = replace(drawn, origins=origins, targets=targets)
        near = np.ones(num, bool) if within is None else within.cells(batch, origins)
        # the first of each group, as many as it misses
        before = np.cumsum(near) - near
        rank = before - before[group * GROUP]
        chosen = np.flatnonzero(near & (rank < missing[group]))
        parts.append(batch.take(chosen))
        groups.append(group[chosen])
        missing = missing - np.bincount(group[chosen], minlength=len(missing))
        if not missing.any():
            break
    found = MazeCollection.concatenate(parts).batches[0]
    order = np.argsort(np.concatenate(groups), kind="stable")
    return found.take(order), np.concatenate(groups)[order]


def _check_spec(spec: MazeSpec) -> None:
    """Check that there is one way between two cells, and room for a fork."""
    if spec.algorithm not in TREES:
        raise ConfigurationError(
            f"{spec.algorithm} mazes may have cycles or cells out of reach; pairs for interchange need trees: use "
            f"{', '.join(TREES)}."
        )
    shape, *others = spec.shapes
    if others or min(shape) < 2 or max(shape) < 3:
        raise ConfigurationError(
            f"sizes is {spec.sizes}: pairs for interchange need mazes of one size, in which a cell can have three "
            "neighbours: use one size, 3 or larger."
        )


def _fork_and_target(shape: tuple[int, int], most: int, random: np.random.Generator) -> ndarray:
    """Draw a cell with three neighbours or four, and another one two steps off or more, `most` as the crow walks."""
    cells = np.argwhere(np.ones(shape, bool))
    inside = ((cells > 0) & (cells < np.array(shape) - 1)).any(axis=1)
    fork = cells[random.choice(np.flatnonzero(inside))]
    steps = np.abs(cells - fork).sum(axis=1)
    return np.stack([fork, random.choice(cells[(steps >= 2) & (steps <= max(2, most))])])


def _fields(starts: Decisions) -> tuple[Int64[ndarray, "maze 4"], Bool[ndarray, "maze 4"]]:
    """Return, for each neighbour of the fork, open or not, its steps to the target and whether the path passes it."""
    labels = label_cells(starts.batch)
    cell, inside = _next_cells(starts)
    steps = np.take_along_axis(labels.distances.astype(np.int64), cell, axis=1)
    return np.where(inside, steps, _FAR), np.take_along_axis(labels.on_path, cell, axis=1) & inside


def _open_neighbours(starts: Decisions) -> Bool[ndarray, "maze cell"]:
    field = np.zeros((len(starts), starts.batch.shape[0] * starts.batch.shape[1]), bool)
    cell, _ = _next_cells(starts)
    maze, side = np.nonzero(starts.options)
    field[maze, cell[maze, side]] = True
    return field


def _next_cells(starts: Decisions) -> tuple[Int64[ndarray, "maze 4"], Bool[ndarray, "maze 4"]]:
    """Return the neighbours of the fork, row by row, and which of them are on the grid."""
    rows, cols = starts.batch.shape
    row, col = np.moveaxis(starts.cells[:, None].astype(np.int64) + STEPS, 2, 0)
    inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    return np.where(inside, row * cols + col, 0), inside


def _match(
    mazes: Int64[ndarray, " maze"],
    options: ndarray,
    own: ndarray,
    steps: ndarray,
    leads_on: ndarray,
    random: np.random.Generator,
) -> Int64[ndarray, "3 pair"]:
    """Return bases, sources and the sides demanded, among the mazes of one group."""
    sides, ways = options[mazes][:, None], leads_on[mazes][None]
    asked = np.where(sides, steps[mazes][None], _FAR)
    demanded = asked.argmin(axis=2)
    marked = sides & ways
    fits = (marked.sum(axis=2) == 1) & (marked.argmax(axis=2) == demanded)
    fits &= (asked == asked.min(axis=2, keepdims=True)).sum(axis=2) == 1  # of two equally near neither is demanded
    fits &= (demanded != own[mazes][:, None]) & (demanded != own[mazes][None])
    found = []
    for base in random.permutation(len(mazes)):
        sources = np.flatnonzero(fits[base])
        if len(sources):
            source = random.choice(sources)
            found.append((mazes[base], mazes[source], demanded[base, source]))
            fits[:, source] = False
    return np.array(found, np.int64).reshape(-1, 3).T
