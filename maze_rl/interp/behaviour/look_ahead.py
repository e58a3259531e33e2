"""Effective look-ahead: how many steps ahead a model's choices at forks depend on.

Psychometric curve over the steps k one must see (k* of the oracle, the distance to the target, or the depth of the
wrong branches):

    P(right | k) = s (1 - lambda) + (1 - s) ((1 - gamma) g + gamma m),     s = sigmoid((L_eff - k) / w),

with g the mean chance among the options, lambda the lapses, and m the share of right moves among the Manhattan-greedy
picks. Where the model sees far enough (s) it is right up to lapses; elsewhere it draws (gamma = 0, which is the usual
g + (1 - g - lambda) s) or falls back on the greedy rule with weight gamma, the covariate that keeps a good heuristic
from passing for look-ahead. Ideal look-ahead of L steps has gamma = 1, lambda = 0, w near 0.

The likelihood is computed on a grid of all four parameters, and its best points are refined. Mazes drawn again cost one
matrix product: their likelihood on the same grid. A curve that fits no better than a constant plus a multiple of m
(2 delta log-likelihood below 9.2, the 1 % point with two degrees of freedom) has no finite L_eff. This cut takes the
forks of one maze as independent, which they are not quite: it lets a fall pass in somewhat more than 1 % of the cases
without one. Such a curve is high or low throughout, by its mean, unless the multiple of m tells which it is not: where
a constant alone fits worse by as much, and the line in m comes out low where greedy is wrong and high where it is
right, the choices are greedy ones. Intervals do draw whole mazes, those of one layout together.

Without a model of the curve, *steps seen* is its area: sum over k of the chance-normalised rate of right choices. It
equals L for one who is right up to L and draws beyond, and is finite always. The scarce largest k are pooled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.behaviour.simple_rules import manhattan, right_share
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.inputs.within_reach import Axis, steps_at
from maze_rl.interp.maze_draws import percentile_interval, rates_over_layouts, redrawn_sums, sums_by_layout
from maze_rl.intervals import Interval

Where = Literal["within", "below", "above", "greedy"]
IDEAL_STEPS = (0, 2, 4, 8, 16)
_FIT_DRAWS = 200
_NEEDED_GAIN = 9.21
_MOST_STEPS = 40
_WIDTHS = (0.1, 0.3, 0.6, 1.0, 1.8, 3.0)
_LAPSES = (0.001, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5)
_FALLBACKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_FEWEST_AT_TOP = 10
"""Layouts that the largest k must have, in areas."""
_SURE = 1e-3
"""Probabilities stay this far from 0 and 1: one slip must not outweigh everything."""


@dataclass(frozen=True, kw_only=True)
class PsychometricFit(Shown):
    """One fitted curve."""

    where: Where
    """Whether L_eff lies among the k of the data; if not, it is nan, and the curve is low or high throughout, or is
    neither: `greedy`, where the covariate explains it. Without the covariate that is not told from low or high."""
    look_ahead: Interval
    """L_eff with its interval over layouts; nan unless `within`."""
    width: float
    lapse: float
    fallback: float
    """gamma: 0 draws, 1 is Manhattan greedy, where the model does not see far enough."""
    chance: float
    """g."""
    gain: float
    """2 (log-likelihood - that of the best curve without a fall)."""


@dataclass(frozen=True, kw_only=True)
class LookAhead(Shown):
    """The curve over k and what it comes to."""

    axis: Axis
    steps: tuple[int, ...]
    """The k there are."""
    right_rate: tuple[Interval, ...]
    """Rate of right choices at each k, with intervals over layouts."""
    num_forks: tuple[int, ...]
    num_mazes: int
    plain: PsychometricFit
    """Without the covariate: gamma = 0."""
    joint: PsychometricFit
    """With it."""
    steps_seen: Interval
    """The area under the chance-normalised curve."""


def look_ahead(
    decisions: Decisions,
    right: Bool[ndarray, " decision"] | Float64[ndarray, " decision"],
    *,
    axis: Axis = "look_ahead",
    seed: int = 0,
) -> LookAhead:
    """Fit the effective look-ahead at the forks.

    Args:
        decisions: Decisions of mazes of one size; only forks count.
        right: Whether each choice was right, or the probability that it was.
        axis: What k is: the oracle's k*; the distance to the target, which a search from there has to cover; or the
            depth of the wrong branches, which dead-end filling has to.
        seed: Seed of the draws of layouts.

    Raises:
        UnknownNameError: There is no such axis.
        ConfigurationError: It is the depth of the wrong branches, and one of these never closes.
    """
    forks = np.flatnonzero(decisions.is_fork)
    decisions, right = decisions.take(forks), np.asarray(right, np.float64)[forks]
    k = steps_at(decisions, axis)
    steps = np.unique(k)
    at = (k[:, None] == steps).astype(np.float64)
    chance = float(decisions.chance.mean()) if len(forks) else float("nan")
    greedy = right_share(decisions, manhattan(decisions))
    layouts = decisions.layouts
    data = CurveData.of(layouts, k, greedy, right, chance)
    return LookAhead(
        axis=axis,
        steps=tuple(steps.tolist()),
        right_rate=tuple(rates_over_layouts(layouts, at * right[:, None], at, seed=seed)) if len(forks) else (),
        num_forks=tuple(at.sum(axis=0).astype(int).tolist()),
        num_mazes=len(np.unique(decisions.maze)),
        plain=fit_curve(data, with_fallback=False, seed=seed),
        joint=fit_curve(data, with_fallback=True, seed=seed),
        steps_seen=_area(layouts, k, right, decisions.chance, seed),
    )


def ideal_look_ahead(decisions: Decisions, steps: int) -> Float64[ndarray, " decision"]:
    """Return how often ideal look-ahead is right: always where k* <= `steps`, else as Manhattan greedy, ties shared."""
    return np.where(decisions.look_ahead <= steps, 1.0, right_share(decisions, manhattan(decisions)))


def ideal_curves(
    decisions: Decisions, *, axis: Axis = "look_ahead", seed: int = 0, ideal_steps: tuple[int, ...] = IDEAL_STEPS
) -> Mapping[int, LookAhead]:
    """Return the curve of each ideal look-ahead on the same forks; that of 0 steps is Manhattan greedy's."""
    return {
        steps: look_ahead(decisions, ideal_look_ahead(decisions, steps), axis=axis, seed=seed) for steps in ideal_steps
    }


@dataclass(frozen=True, kw_only=True)
class CurveData(Shown):
    """Right and wrong choices at each layout in cells of equal (k, m)."""

    k: Float64[ndarray, " cell"]
    greedy: Float64[ndarray, " cell"]
    """m."""
    right: Float64[ndarray, "layout cell"]
    wrong: Float64[ndarray, "layout cell"]
    chance: float

    @classmethod
    def of(
        cls,
        layouts: Int64[ndarray, " decision"],
        k: Int64[ndarray, " decision"],
        greedy: Float64[ndarray, " decision"],
        right: Float64[ndarray, " decision"],
        chance: float,
    ) -> "CurveData":
        """Count choices by layout and cell."""
        cells, cell = np.unique(np.stack([k, greedy], axis=1), axis=0, return_inverse=True)
        one_hot = (cell.reshape(-1, 1) == np.arange(len(cells))).astype(np.float64)
        sides = [one_hot * right[:, None], one_hot * (1 - right[:, None])]
        sums = sums_by_layout(layouts, np.concatenate(sides, axis=1))
        num = len(cells)
        return cls(k=cells[:, 0], greedy=cells[:, 1], right=sums[:, :num], wrong=sums[:, num:], chance=chance)


def fit_curve(data: CurveData, *, with_fallback: bool, seed: int = 0, draws: int = _FIT_DRAWS) -> PsychometricFit:
    """Fit the psychometric curve by maximum likelihood; its interval from `draws` redrawn sets of layouts."""
    if len(data.right) == 0:
        return _no_fit("below", np.full(4, np.nan), data.chance, 0.0)
    grid = _grid(data, with_fallback)
    probability = _curve(grid, data)
    logs = np.concatenate([np.log(probability), np.log1p(-probability)], axis=1)
    counts = np.concatenate([data.right, data.wrong], axis=1)
    totals = counts.sum(axis=0)
    likelihood = logs @ totals
    best, most = _refined(grid[int(likelihood.argmax())], float(likelihood.max()), data, totals, with_fallback)
    level, ends = _without_fall(data, totals, with_fallback)
    gain = max(0.0, 2 * (most - level))
    if gain < _NEEDED_GAIN:
        return _no_fit(_flat(data, totals, level, ends), best, data.chance, gain)
    if not data.k.min() <= best[0] <= data.k.max():
        return _no_fit("below" if best[0] < data.k.min() else "above", best, data.chance, gain)
    redrawn = grid[(redrawn_sums(counts, seed=seed, draws=draws) @ logs.T).argmax(axis=1), 0]
    _, width, lapse, fallback = map(float, best)
    return PsychometricFit(
        where="within",
        look_ahead=percentile_interval(float(best[0]), redrawn, layouts=len(counts)),
        width=width,
        lapse=lapse,
        fallback=fallback,
        chance=data.chance,
        gain=gain,
    )


def _flat(data: CurveData, totals: ndarray, level: float, ends: Float64[ndarray, " 2"]) -> Where:
    """Tell what a curve without a fall is, from the log-likelihood of its line in m and that line's ends."""
    mean = totals[: len(data.k)].sum() / totals.sum()
    skill, wrong, right = ((rate - data.chance) / max(1 - data.chance, 1e-9) for rate in (mean, *ends))
    is_told = 2 * (level - _without_fall(data, totals, with_fallback=False)[0]) >= _NEEDED_GAIN
    if is_told and wrong < 0.5 <= right:
        return "greedy"
    return "below" if skill < 0.5 else "above"


def _no_fit(where: Where, best: ndarray, chance: float, gain: float) -> PsychometricFit:
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    _, width, lapse, fallback = map(float, best)
    return PsychometricFit(
        where=where, look_ahead=nothing, width=width, lapse=lapse, fallback=fallback, chance=chance, gain=gain
    )


def _grid(data: CurveData, with_fallback: bool) -> Float64[ndarray, "point 4"]:
    """Return all (L, w, lambda, gamma); L goes a step beyond the data on both sides."""
    first, last = data.k.min() - 1, min(data.k.max(), _MOST_STEPS) + 1
    ahead = np.linspace(first, last, min(65, int(4 * (last - first)) + 1))
    return np.array(list(product(ahead, _WIDTHS, _LAPSES, _FALLBACKS if with_fallback else (0.0,))))


def _curve(points: Float64[ndarray, "point 4"], data: CurveData) -> Float64[ndarray, "point cell"]:
    ahead, width, lapse, fallback = points.T[..., None]
    sees = 1 / (1 + np.exp(-np.clip((ahead - data.k) / width, -60, 60)))
    blind = (1 - fallback) * data.chance + fallback * data.greedy
    return np.clip(sees * (1 - lapse) + (1 - sees) * blind, _SURE, 1 - _SURE)


def _refined(
    start: ndarray, at_start: float, data: CurveData, totals: ndarray, with_fallback: bool
) -> tuple[Float64[ndarray, " 4"], float]:
    """Climb from the best grid point; return the parameters and their log-likelihood."""
    from scipy.optimize import minimize

    def loss(point: ndarray) -> float:
        probability = _curve(point[None], data)[0]
        return -float(np.concatenate([np.log(probability), np.log1p(-probability)]) @ totals)

    bounds = [
        (data.k.min() - 1, data.k.max() + 1),
        (0.05, 5.0),
        (0.0, 0.5),
        (0.0, 1.0 if with_fallback else 0.0),
    ]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return (found.x, -float(found.fun)) if -found.fun > at_start else (start, at_start)


def _without_fall(data: CurveData, totals: ndarray, with_fallback: bool) -> tuple[float, Float64[ndarray, " 2"]]:
    """Return the best log-likelihood of P = a + b m, b = 0 without the covariate, and its P at m = 0 and m = 1."""
    shares = np.linspace(0, 1, 101)
    ends = np.array(list(product(shares[::2], repeat=2))) if with_fallback else np.stack([shares, shares], axis=1)
    # a line is given by its values at m = 0 and m = 1
    probability = np.clip(ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * data.greedy, _SURE, 1 - _SURE)
    likelihood = np.concatenate([np.log(probability), np.log1p(-probability)], axis=1) @ totals
    best = int(likelihood.argmax())
    return float(likelihood[best]), ends[best]


def pooled_steps(
    layouts: Int64[ndarray, " decision"], k: Int64[ndarray, " decision"]
) -> tuple[Int64[ndarray, " step"], Int64[ndarray, " decision"]]:
    """Return the values of k, the largest pooled into the last that 10 layouts reach, and each one's place."""
    _, row = np.unique(layouts, return_inverse=True)
    deepest = np.zeros(int(row.max(initial=-1)) + 1, np.int64)
    np.maximum.at(deepest, row, k)
    top = np.sort(deepest)[-min(_FEWEST_AT_TOP, len(deepest)) :].min(initial=10**9)
    return np.unique(np.minimum(k, top), return_inverse=True)


def steps_seen(
    right: Float64[ndarray, "draw *curve step"],
    chance: Float64[ndarray, "draw *curve step"],
    num: Float64[ndarray, "draw *#curve step"],
    steps: Int64[ndarray, " step"],
) -> Float64[ndarray, "draw *curve"]:
    """Return the area: sum over k = 1, 2, ... of (right - chance) / (num - chance).

    Args:
        right: Number of right choices at forks of each k.
        chance: Number of right choices that draws would make.
        num: Number of forks.
        steps: The values of k, rising; a k without forks counts as the next one does.
    """
    return skills(right, chance, num) @ widths(steps)


def skills(
    right: Float64[ndarray, "draw *curve step"],
    chance: Float64[ndarray, "draw *curve step"],
    num: Float64[ndarray, "draw *#curve step"],
) -> Float64[ndarray, "draw *curve step"]:
    """Return (right - chance) / (num - chance): 1 for always right, 0 for a draw and where nothing can be chosen."""
    gain, room = right - chance, np.broadcast_to(num - chance, right.shape)
    return np.divide(gain, room, out=np.zeros_like(gain), where=room > 1e-9)


def widths(steps: Int64[ndarray, " step"]) -> Int64[ndarray, " step"]:
    """Return how many k each of the values stands for: those without forks count as the next one does."""
    return np.diff(np.maximum(np.concatenate([[0], steps]), 0))


def _area(layouts: ndarray, k: ndarray, right: ndarray, chance: ndarray, seed: int) -> Interval:
    if len(k) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    steps, place = pooled_steps(layouts, k)
    at = (place[:, None] == np.arange(len(steps))).astype(np.float64)
    sums = sums_by_layout(layouts, np.concatenate([at * right[:, None], at * chance[:, None], at], axis=1))

    def area(rows: ndarray) -> ndarray:
        good, by_chance, num = np.split(rows, 3, axis=1)
        return steps_seen(good, by_chance, num, steps)

    replicates = area(redrawn_sums(sums, seed=seed))
    return percentile_interval(area(sums.sum(axis=0)[None])[0], replicates, layouts=len(sums))
