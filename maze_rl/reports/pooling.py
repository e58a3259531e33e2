"""Rates pooled over several sizes: inside and outside the training sizes, and hazards by step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import Estimate, EvaluationResult, FirstErrorRow, LengthRow, SizeRow
from maze_rl.intervals import wilson_of_effective
from maze_rl.reports.names import NO_ERROR

FEWEST = 50
"""Rates on fewer mazes than this are greyed and left out of what the text says."""


def pool(estimates: Sequence[Estimate]) -> Estimate | None:
    """Return the rate over all mazes of several rates over mazes, or None where there are no mazes.

    Layouts of different sizes differ, so their numbers add up; where one rate has not counted them, neither has this.
    """
    counted = [estimate for estimate in estimates if estimate.num]
    num = sum(estimate.num for estimate in counted)
    if num == 0:
        return None
    rate = sum(round(estimate.value * estimate.num) for estimate in counted) / num
    known = [each.effective for each in counted]
    effective = pooled_effective([each.num for each in counted], known)
    interval, layouts = wilson_of_effective(rate, effective), [each.layouts for each in counted]
    return Estimate(
        value=rate,
        low=interval.low,
        high=interval.high,
        num=num,
        layouts=None if None in layouts else sum(filter(None, layouts)),
        effective=None if None in known else effective,
    )


def pooled_effective(nums: Sequence[int], effective: Sequence[float | None]) -> float:
    """Return the effective number of all mazes: n over the mean design effect, n_i / effective_i, of the mazes.

    Mazes whose layouts were not counted count in full, those of a single layout as one.
    """
    num = sum(nums)
    effects = [1.0 if each is None else some / max(each, 1.0) for some, each in zip(nums, effective, strict=True)]
    return num**2 / sum(some * effect for some, effect in zip(nums, effects, strict=True)) if num else 0.0


@dataclass(frozen=True, kw_only=True)
class Split(Shown):
    """One rate inside and outside the training sizes; None where no size was tested."""

    inside: Estimate | None
    outside: Estimate | None


def split_rate(evaluation: EvaluationResult, rate: Callable[[SizeRow], Estimate]) -> Split:
    """Pool a rate of the size rows inside and outside the training sizes."""
    inside = [rate(row) for row in evaluation.rows if row.in_training_range]
    outside = [rate(row) for row in evaluation.rows if row.in_training_range is False]
    return Split(inside=pool(inside), outside=pool(outside))


def sizes_new_to_all(evaluations: Sequence[EvaluationResult]) -> list[int]:
    """List the sizes that every evaluation tested and no model was trained on; none where that is not known of all."""
    if not all(evaluation.training_sizes for evaluation in evaluations):
        return []
    tested = [{row.size for row in evaluation.rows} for evaluation in evaluations]
    trained = {size for evaluation in evaluations for size in evaluation.training_sizes}
    return sorted(set.intersection(*tested) - trained)


def rate_on(evaluation: EvaluationResult, sizes: Sequence[int]) -> Estimate | None:
    """Pool the rate of shortest paths over some sizes."""
    return pool([row.shortest for row in evaluation.rows if row.size in sizes])


def baseline_names(evaluation: EvaluationResult) -> list[str]:
    """List the baselines that every size row has, in their order."""
    rows = evaluation.rows
    return [name for name in (rows[0].baselines if rows else ()) if all(name in row.baselines for row in rows)]


@dataclass(frozen=True, kw_only=True)
class HazardStep(Shown):
    """First errors in a stretch of steps, over the rollouts that had none before."""

    first: int
    last: int
    """Steps from the origin, counted from 0, inclusive."""
    errors: int
    at_risk: int
    """Steps taken in this stretch with no error before."""
    expected: float
    """Errors there would be if each size had a constant hazard of its own, the one that fits it best."""
    design: float
    """Sum over the steps at risk of how many of them count for one, as layouts repeat."""

    @property
    def estimate(self) -> Estimate:
        """Chance of an error per step, with its interval over layouts as far as they were counted."""
        rate = self.errors / self.at_risk if self.at_risk else float("nan")
        interval = wilson_of_effective(rate, self.at_risk**2 / self.design if self.at_risk else 0.0)
        return Estimate(value=rate, low=interval.low, high=interval.high, num=self.at_risk)


def pooled_hazard(rows: Sequence[FirstErrorRow], num_stretches: int = 14) -> list[HazardStep]:
    """Pool the hazards of several sizes, in stretches of steps that rest on about equally many steps at risk.

    Args:
        rows: First errors by size.
        num_stretches: Most stretches; early steps are taken by all rollouts, so a stretch is one step at least.
    """
    length = max((len(row.at_risk) for row in rows), default=0)
    enough = sum(sum(row.at_risk) for row in rows) / num_stretches
    steps = [_hazard_step(rows, step) for step in range(length)]
    stretches: list[HazardStep] = []
    waiting: list[HazardStep] = []
    for step in filter(lambda each: each.at_risk, steps):
        waiting.append(step)
        if sum(each.at_risk for each in waiting) >= enough:
            stretches.append(join(waiting))
            waiting = []
    if waiting:
        stretches = [*stretches[:-1], join(stretches[-1:] + waiting)]
    return stretches


def _hazard_step(rows: Sequence[FirstErrorRow], step: int) -> HazardStep:
    reaching = [row for row in rows if step < len(row.at_risk)]
    return HazardStep(
        first=step,
        last=step,
        errors=sum(round(row.hazard[step] * row.at_risk[step]) for row in reaching),
        at_risk=sum(row.at_risk[step] for row in reaching),
        expected=sum((row.constant_hazard or 0.0) * row.at_risk[step] for row in reaching),
        design=sum(row.at_risk[step] * _design_effect(row) for row in reaching),
    )


def _design_effect(row: FirstErrorRow) -> float:
    """Return how many steps at risk count for one; all for one where there is a single layout."""
    if row.effective_share is None:
        return 1.0
    return 1 / max(row.effective_share, 1 / max(sum(row.at_risk), 1))


def join(stretches: Sequence[HazardStep]) -> HazardStep:
    """Return neighbouring stretches as one."""
    return HazardStep(
        first=stretches[0].first,
        last=stretches[-1].last,
        errors=sum(stretch.errors for stretch in stretches),
        at_risk=sum(stretch.at_risk for stretch in stretches),
        expected=sum(stretch.expected for stretch in stretches),
        design=sum(stretch.design for stretch in stretches),
    )


def first_errors_by_range(evaluation: EvaluationResult, inside: bool | None) -> list[FirstErrorRow]:
    """Return the first-error rows of the sizes inside (or outside) the training sizes; None: where none are known."""
    sizes = {row.size for row in evaluation.rows if row.in_training_range == inside}
    return [row for row in evaluation.first_errors if row.size in sizes]


def reliable_lengths(evaluation: EvaluationResult) -> list[LengthRow]:
    """Return the bins of path length that hold `FEWEST` mazes or more; all of them where none does."""
    rows = evaluation.by_length
    return [row for row in rows if row.num >= FEWEST] or rows


def error_counts(evaluations: Sequence[EvaluationResult]) -> dict[str, int]:
    """Return the number of rollouts by type of first error over all sizes, the most frequent first."""
    counts: dict[str, int] = {}
    for row in (row for evaluation in evaluations for row in evaluation.first_errors):
        for kind, count in row.counts.items():
            if kind != NO_ERROR:
                counts[kind] = counts.get(kind, 0) + count
    return {kind: counts[kind] for kind in sorted(counts, key=lambda kind: (-counts[kind], kind)) if counts[kind]}
