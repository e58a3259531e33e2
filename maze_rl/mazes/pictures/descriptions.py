"""What one line says of mazes, of their solutions and of datasets: how many, how large, how long the paths."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from maze_rl.displays.short_repr import counted

if TYPE_CHECKING:
    from maze_rl.mazes.lattice import MazeBatch, MazeCollection
    from maze_rl.mazes.solve import BatchSolution, CollectionSolution
    from maze_rl.mazes.storage.store import StoredMazes

Shape = tuple[int, int]
_LISTED = 6
"""Shapes that are named one by one."""


def shape_text(shape: Shape) -> str:
    """Return a shape as people write it: ``9x9``."""
    return f"{shape[0]}x{shape[1]}"


def shape_counts(mazes: "MazeCollection") -> dict[Shape, int]:
    """Return how many mazes of each shape a collection has, from small to large."""
    counts: dict[Shape, int] = {}
    numbers = np.bincount(mazes.batch_of, minlength=len(mazes.batches)).tolist()
    for batch, number in zip(mazes.batches, numbers, strict=True):
        if number:
            counts[batch.shape] = counts.get(batch.shape, 0) + number
    return dict(sorted(counts.items(), key=lambda item: (item[0][0] * item[0][1], item[0])))


def mazes_line(counts: Mapping[Shape, int]) -> str:
    """Return how many mazes there are, in all and of each shape: ``300 mazes: 120 of 5x5, 180 of 6x6``."""
    total = counted(sum(counts.values()), "maze")
    shapes = [shape_text(shape) for shape in counts]
    if len(shapes) <= 1:
        return ", ".join([total, *shapes])
    if len(shapes) > _LISTED:
        return f"{total} of {len(shapes)} shapes, {shapes[0]} to {shapes[-1]}"
    if len(set(counts.values())) == 1:
        return f"{total}: {next(iter(counts.values())):,} each of {', '.join(shapes)}"
    return f"{total}: " + ", ".join(f"{number:,} of {shape_text(shape)}" for shape, number in counts.items())


def shapes_line(num: int, shapes: Sequence[Shape]) -> str:
    """Return how many mazes there are, and between which shapes: ``300 mazes, 5x5 to 9x9``."""
    ends = list(dict.fromkeys([shape_text(shape) for shape in (*shapes[:1], *shapes[-1:])]))
    return ", ".join(filter(None, [counted(num, "maze"), " to ".join(ends)]))


def lengths_line(solutions: Sequence["BatchSolution"]) -> str:
    """Return how long the shortest paths are: ``2 to 40 steps, mean 17.3``; nothing where there is no maze."""
    lengths = [each.lengths for each in solutions if len(each.lengths)]
    if not lengths:
        return ""
    least, most = min(int(each.min()) for each in lengths), max(int(each.max()) for each in lengths)
    mean = sum(float(each.sum()) for each in lengths) / sum(map(len, lengths))
    return f"{least} to {most} steps, mean {mean:.1f}" if most > least else counted(least, "step")


def are_solutions(shown: Any) -> bool:
    """Tell whether an object holds solutions, of a batch or of a collection, and not mazes alone."""
    return hasattr(shown, "batch") or hasattr(shown, "mazes")


def headline(shown: "MazeBatch | MazeCollection | StoredMazes | BatchSolution | CollectionSolution") -> str:
    """Return one line about several mazes, wherever they are, or about their solutions."""
    of: Any = shown
    if are_solutions(of):
        mazes, solutions = (of.batch, (of,)) if hasattr(of, "batch") else (of.mazes, of.batches)
        return "; ".join(filter(None, [headline(mazes), lengths_line(solutions)]))
    if hasattr(of, "batch_of"):
        return mazes_line(shape_counts(of))
    if hasattr(of, "table"):
        return _stored_line(of)
    return mazes_line({of.shape: len(of)})


def _stored_line(stored: "StoredMazes") -> str:
    shapes = stored.spec.shapes if stored.spec else stored.shapes
    line = f"{stored.name}: {shapes_line(len(stored), sorted(shapes))}"
    return f"{line}, {stored.spec.algorithm}" if stored.spec else line
