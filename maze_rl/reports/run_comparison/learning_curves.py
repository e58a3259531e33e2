"""Learning curves of groups on common points, by tokens, and their differences from a target group.

Points: the union of the token counts at which any run recorded the quantity, thinned evenly to at most `MOST_POINTS`.
Between its own points a run is interpolated linearly; before its first and behind its last it has no value, so curves
and differences end where the shorter one ends. Training loss and accuracy are recorded at every step on one batch
each, so they are smoothed first: a centred moving mean over `WINDOW_SHARE` of the steps, cut off at both ends.
Over the seeds: the mean, and the lowest and highest seed as the band; differences are taken seed by seed, with the
95 % t interval of their mean as the band.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.reports.run_comparison.groups import Group, SeedRun
from maze_rl.reports.run_comparison.verdicts import paired_t

MOST_POINTS = 240
WINDOW_SHARE = 0.04


@dataclass(frozen=True, kw_only=True)
class Quantity(Shown):
    """Something recorded while training."""

    key: str
    title: str
    smoothed: bool
    logarithmic: bool
    is_loss: bool
    percent: bool = False


QUANTITIES = (
    Quantity(key="loss", title="training loss, nats", smoothed=True, logarithmic=True, is_loss=True),
    Quantity(key="validation_loss", title="validation loss, nats", smoothed=False, logarithmic=True, is_loss=True),
    Quantity(
        key="validation_exact", title="validation: paths without an error, %", smoothed=False, logarithmic=False,
        is_loss=False, percent=True,
    ),
    Quantity(
        key="accuracy", title="training: tokens right, %", smoothed=True, logarithmic=False, is_loss=False, percent=True
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve(Shown):
    """A quantity of one group, or its difference from the target; NaN where it has no value."""

    group: str
    tokens: Float[ndarray, " point"]
    mean: Float[ndarray, " point"]
    low: Float[ndarray, " point"]
    high: Float[ndarray, " point"]
    paired: bool = True
    """A difference seed by seed; otherwise of the means, which has no band."""


def recorded(groups: Sequence[Group]) -> list[Quantity]:
    """Return the quantities that every group recorded."""
    return [each for each in QUANTITIES if all(len(series(run, each)[0]) for group in groups for run in group.runs)]


def curves(groups: Sequence[Group], quantity: Quantity) -> list[Curve]:
    """Return the curve of every group on the common points."""
    points = common_points(groups, quantity)
    values = {group.name: on_points(group.runs, quantity, points) for group in groups}
    return [
        Curve(group=name, tokens=points, mean=each.mean(axis=0), low=each.min(axis=0), high=each.max(axis=0))
        for name, each in values.items()
    ]


def differences(groups: Sequence[Group], target: Group, quantity: Quantity) -> list[Curve]:
    """Return group minus target for every group, the target included: its difference is zero wherever it has one."""
    points = common_points(groups, quantity)
    return [_difference(group, target, quantity, points) for group in groups]


def _difference(group: Group, target: Group, quantity: Quantity, points: ndarray) -> Curve:
    shared = [seed for seed in group.seeds if seed in target.seeds]
    if not shared:
        means = [on_points(each.runs, quantity, points).mean(axis=0) for each in (group, target)]
        gap = means[0] - means[1]
        return Curve(group=group.name, tokens=points, mean=gap, low=gap, high=gap, paired=False)
    ours, theirs = (on_points([each.of_seed(seed) for seed in shared], quantity, points) for each in (group, target))
    gaps = ours - theirs
    mean, half = paired_t(gaps)
    # One seed has no interval: the band is the line.
    half = np.zeros_like(mean) if len(shared) == 1 else half
    return Curve(group=group.name, tokens=points, mean=mean, low=mean - half, high=mean + half)


def common_points(groups: Sequence[Group], quantity: Quantity) -> Float[ndarray, " point"]:
    """Return the union of the points of all runs, thinned evenly; the first and the last stay."""
    union = np.unique(np.concatenate([series(run, quantity)[0] for group in groups for run in group.runs]))
    if len(union) <= MOST_POINTS:
        return union
    return union[np.unique(np.linspace(0, len(union) - 1, MOST_POINTS).round().astype(int))]


def on_points(runs: Sequence[SeedRun], quantity: Quantity, points: ndarray) -> Float[ndarray, "seed point"]:
    """Return each run's values at the points, NaN outside the run."""
    found = [np.interp(points, *series(run, quantity), left=np.nan, right=np.nan) for run in runs]
    return np.array(found) * (100 if quantity.percent else 1)


def series(run: SeedRun, quantity: Quantity) -> tuple[ndarray, ndarray]:
    """Return the tokens and the finite values a run recorded, smoothed where the quantity is."""
    pairs = [
        (row["tokens"], row[quantity.key])
        for row in run.metrics
        if row.get(quantity.key) is not None and np.isfinite(row[quantity.key])
    ]
    tokens, values = (np.array(column, float) for column in zip(*pairs, strict=True)) if pairs else (np.empty(0),) * 2
    return tokens, smooth(values) if quantity.smoothed else values


def smooth(values: Float[ndarray, " step"]) -> Float[ndarray, " step"]:
    """Return the centred moving mean; its window is cut off at the ends."""
    num, half = len(values), int(WINDOW_SHARE * len(values) / 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first, last = np.maximum(np.arange(num) - half, 0), np.minimum(np.arange(num) + half + 1, num)
    return (sums[last] - sums[first]) / (last - first)
