"""Learning curves of groups on common points, by tokens, and their differences from a target group.

Points: the union of the token counts at which any run recorded the quantity, thinned evenly to at most `MOST_POINTS`.
Between its own points a run is interpolated linearly; before its first and behind its last it has no value, so curves
and differences end where the shorter one ends. Losses of unlike kinds are different quantities, each of the groups that
have it. Training loss and accuracy are recorded at every step on one batch
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
from maze_rl.reports.loss_kinds import LossKind
from maze_rl.reports.run_comparison.groups import Group, JsonDict, SeedRun
from maze_rl.reports.run_comparison.verdicts import paired_t

MOST_POINTS = 240
WINDOW_SHARE = 0.04


@dataclass(frozen=True, kw_only=True)
class Quantity(Shown):
    """Something recorded while training."""

    key: str
    title: str
    smoothed: bool = False
    logarithmic: bool = False
    direction: str = ""
    """Which way is better; empty where neither is."""
    percent: bool = False
    kind: LossKind | None = None
    """The loss it is or belongs to: other losses are other quantities. None for what has no kind."""


def training_quantity(key: str, kind: LossKind) -> Quantity:
    """Return the training `loss`, or the `accuracy`, of one kind of loss."""
    if key == "loss":
        title = f"training loss: {kind.title}"
        return Quantity(key=key, title=title, smoothed=True, logarithmic=True, direction=kind.direction, kind=kind)
    title = f"training, {kind.hits} right: {kind.name}, %"
    direction = "" if kind.is_game else "higher is better"
    return Quantity(key=key, title=title, smoothed=True, direction=direction, percent=True, kind=kind)


def validation_quantity(kind: LossKind) -> Quantity:
    """Return the validation loss of one kind."""
    title = f"validation loss: {kind.title}"
    return Quantity(key="validation_loss", title=title, logarithmic=True, direction="lower is better", kind=kind)


VALIDATION_EXACT = Quantity(
    key="validation_exact", title="validation: paths without an error, %", direction="higher is better", percent=True
)


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
    """Return the quantities that every group recorded that could: a loss is one of the groups with such a loss."""
    training = list(dict.fromkeys(kind for group in groups for kind in group.training_kinds))
    validation = dict.fromkeys(group.validation_kind for group in groups)
    quantities = [
        *(training_quantity("loss", kind) for kind in training),
        *map(validation_quantity, validation),
        VALIDATION_EXACT,
        *(training_quantity("accuracy", kind) for kind in training),
    ]
    return [
        each
        for each in quantities
        if all(len(series(run, each)[0]) for group in having(groups, each) for run in group.runs)
    ]


def having(groups: Sequence[Group], quantity: Quantity) -> list[Group]:
    """Return the groups that have a loss of the quantity's kind; all where it has none."""
    if quantity.kind is None:
        return list(groups)
    if quantity.key == "validation_loss":
        return [group for group in groups if group.validation_kind == quantity.kind]
    return [group for group in groups if quantity.kind in group.training_kinds]


def curves(groups: Sequence[Group], quantity: Quantity) -> list[Curve]:
    """Return the curve of every group that has the quantity on the common points."""
    groups = having(groups, quantity)
    points = common_points(groups, quantity)
    values = {group.name: on_points(group.runs, quantity, points) for group in groups}
    return [
        Curve(group=name, tokens=points, mean=each.mean(axis=0), low=each.min(axis=0), high=each.max(axis=0))
        for name, each in values.items()
    ]


def differences(groups: Sequence[Group], target: Group, quantity: Quantity) -> list[Curve]:
    """Return group minus target for every group, the target included: its difference is zero wherever it has one.

    Groups without the quantity are left out; where the target has none there are no differences.
    """
    groups = having(groups, quantity)
    if target not in groups:
        return []
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
        for row in _rows(run, quantity)
        if row.get(quantity.key) is not None and np.isfinite(row[quantity.key])
    ]
    tokens, values = (np.array(column, float) for column in zip(*pairs, strict=True)) if pairs else (np.empty(0),) * 2
    return tokens, smooth(values) if quantity.smoothed else values


def _rows(run: SeedRun, quantity: Quantity) -> Sequence[JsonDict]:
    if quantity.kind is None or quantity.key == "validation_loss":
        return run.metrics
    return run.rows_by_kind.get(quantity.kind, ())


def smooth(values: Float[ndarray, " step"]) -> Float[ndarray, " step"]:
    """Return the centred moving mean; its window is cut off at the ends."""
    num, half = len(values), int(WINDOW_SHARE * len(values) / 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first, last = np.maximum(np.arange(num) - half, 0), np.minimum(np.arange(num) + half + 1, num)
    return (sums[last] - sums[first]) / (last - first)
