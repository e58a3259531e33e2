"""What was measured on the mazes of each size, and its summary by size, by path length and by both."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, UInt64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.estimates import mean_estimates, rate
from maze_rl.evaluation.first_error import FirstErrors
from maze_rl.evaluation.length_bins import bins_up_to
from maze_rl.evaluation.results import Estimate, GridCell, LengthRow, PairedDifference, SizeRow
from maze_rl.evaluation.single_steps import StepAnswers
from maze_rl.evaluation.teacher_forced import Predictions
from maze_rl.intervals import num_clusters, paired_difference
from maze_rl.mazes.solve import BatchSolution
from maze_rl.mazes.splits import maze_hashes
from maze_rl.tokenization.outcomes import Outcomes, Rollouts


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasuredSize(Shown):
    """Everything measured on the mazes of one size."""

    size: int
    solution: BatchSolution
    rollouts: Rollouts
    outcomes: Outcomes
    first_errors: FirstErrors
    baselines: dict[str, Bool[ndarray, " batch"]]
    """Whether each baseline walks a shortest path."""
    predictions: Predictions
    steps: StepAnswers

    @cached_property
    def layouts(self) -> UInt64[ndarray, " batch"]:
        """The layout of each maze: equal for the same walls, rotated and reflected or not."""
        return maze_hashes(self.solution.batch)


def size_row(measured: MeasuredSize, in_training_range: bool | None, seed: int) -> SizeRow:
    """Summarise the rollouts on mazes of one size."""
    outcomes, manhattan, layouts = measured.outcomes, measured.baselines["manhattan"], measured.layouts
    failed = ~manhattan
    against = {
        name: PairedDifference(**paired_difference(outcomes.shortest, shortest, layouts)._asdict())
        for name, shortest in measured.baselines.items()
    }
    return SizeRow(
        size=measured.size,
        num=len(manhattan),
        in_training_range=in_training_range,
        valid=rate(outcomes.valid, layouts),
        reaches=rate(outcomes.reaches, layouts),
        simple=rate(outcomes.simple, layouts),
        shortest=rate(outcomes.shortest, layouts),
        exact_match=rate(outcomes.exact_match, layouts),
        **_path_means(outcomes, layouts, seed),  # type: ignore[arg-type]
        baselines={name: rate(shortest, layouts) for name, shortest in measured.baselines.items()},
        against_manhattan=against["manhattan"],
        solved_where_manhattan_fails=rate(outcomes.shortest[failed], layouts[failed]) if failed.any() else None,
        layouts=num_clusters(layouts),
        against_baselines=against,
        solved="".join("1" if right else "0" for right in outcomes.shortest),
        layout_of=_numbers_of(layouts),
    )


def _numbers_of(layouts: UInt64[ndarray, " maze"]) -> list[int]:
    """Return small numbers for the layouts, equal for equal ones; none where all differ."""
    names, numbers = np.unique(layouts, return_inverse=True)
    return [] if len(names) == len(layouts) else numbers.tolist()


def _path_means(outcomes: Outcomes, layouts: UInt64[ndarray, " maze"], seed: int) -> dict[str, Estimate | None]:
    """Return SPL, optimality ratio and progress with bootstrap intervals over layouts."""
    reaches, best = outcomes.reaches, np.maximum(outcomes.optimal_steps, 1)
    everyone = np.ones(len(reaches))
    values = {
        "spl": (reaches * best / np.maximum(outcomes.steps, best), everyone),
        "optimality_ratio": (reaches * outcomes.steps / best, reaches.astype(np.float64)),
        "progress": (outcomes.progress, everyone),
    }
    numerators = np.stack([numerator for numerator, _ in values.values()], axis=1)
    counts = np.stack([count for _, count in values.values()], axis=1)
    ranges = {"spl": (0.0, 1.0), "optimality_ratio": (1.0, np.inf), "progress": (0.0, 1.0)}
    return mean_estimates(ranges, numerators, counts, layouts, seed)


def length_rows(measured: Sequence[MeasuredSize], longest_training_path: int | None) -> list[LengthRow]:
    """Summarise all sizes together by the length of the shortest path; empty bins are left out."""
    lengths = np.concatenate([one.outcomes.optimal_steps for one in measured])
    shortest = np.concatenate([one.outcomes.shortest for one in measured])
    layouts = np.concatenate([one.layouts for one in measured])
    names = measured[0].baselines
    baselines = {name: np.concatenate([one.baselines[name] for one in measured]) for name in names}
    return [
        LengthRow(
            low=low,
            high=high,
            num=int(where.sum()),
            layouts=num_clusters(layouts[where]),
            in_training_range=None if longest_training_path is None else low <= longest_training_path,
            shortest=rate(shortest[where], layouts[where]),
            baselines={name: rate(values[where], layouts[where]) for name, values in baselines.items()},
        )
        for low, high in bins_up_to(lengths)
        if (where := (lengths >= low) & (lengths <= high)).any()
    ]


def grid_cells(measured: Sequence[MeasuredSize]) -> list[GridCell]:
    """Return the shortest-path rate for each size and length bin that holds mazes."""
    bins = bins_up_to(np.concatenate([one.outcomes.optimal_steps for one in measured]))
    return [cell for one in measured for cell in cells_by_length(one.size, one.outcomes, one.layouts, bins)]


def cells_by_length(
    size: int, outcomes: Outcomes, layouts: UInt64[ndarray, " maze"], bins: Sequence[tuple[int, int]]
) -> list[GridCell]:
    """Return the shortest-path rate of mazes of one size for each length bin that holds some."""
    lengths, cells = outcomes.optimal_steps, []
    for low, high in bins:
        where = (lengths >= low) & (lengths <= high)
        if where.any():
            shortest = rate(outcomes.shortest[where], layouts[where])
            cells.append(GridCell(size=size, low=low, high=high, shortest=shortest))
    return cells
