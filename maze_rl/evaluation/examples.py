"""A few mazes with the paths a model walked, chosen by rule: the first ones, not the best ones."""

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from maze_rl.evaluation.first_error import FIRST_ERRORS
from maze_rl.evaluation.results import Example
from maze_rl.evaluation.summaries import MeasuredSize

PER_OUTCOME = 3


def pick_examples(measured: Sequence[MeasuredSize], training_sizes: Sequence[int]) -> list[Example]:
    """Return the first 3 shortest and the first 3 wrong walks of each of up to four sizes."""
    shown = example_sizes([one.size for one in measured], training_sizes)
    examples = []
    for one in measured:
        if one.size in shown:
            shortest = one.outcomes.shortest
            for chosen in (np.flatnonzero(shortest), np.flatnonzero(~shortest)):
                examples.extend(_example(one, int(row)) for row in chosen[:PER_OUTCOME])
    return examples


def example_sizes(sizes: Sequence[int], training_sizes: Sequence[int]) -> list[int]:
    """Choose the smallest size, the middle and the largest in the training range, and the first beyond it.

    Without training sizes, or with none of them evaluated, all sizes count as the range.
    """
    ordered = sorted(sizes)
    inside = [n for n in ordered if training_sizes and min(training_sizes) <= n <= max(training_sizes)] or ordered
    larger = [n for n in ordered if n > inside[-1]]
    smaller = [n for n in ordered if n < inside[0]]
    chosen = [ordered[0], inside[len(inside) // 2], inside[-1], *(larger[:1] or smaller[-1:])]
    return sorted(set(chosen))


def _example(measured: MeasuredSize, row: int) -> Example:
    solution, rollouts = measured.solution, measured.rollouts
    maze = solution.batch[row]
    kind = int(measured.first_errors.kinds[row])
    return Example(
        size=measured.size,
        connections=maze.connections.astype(int).tolist(),
        origin=maze.origin,
        target=maze.target,
        shortest_path=_cells(solution.paths[row, : solution.lengths[row] + 1]),
        model_path=_cells(rollouts.cells[row, : rollouts.num_cells[row]]),
        outcome="shortest" if kind == 0 else FIRST_ERRORS[kind],
    )


def _cells(path: ndarray) -> list[tuple[int, int]]:
    return [(int(row), int(col)) for row, col in path]
