"""Which algorithm's clock does a search keep? When each cell of a maze becomes right, against rival accounts.

After every loop all cells are asked (`answers_by_loop`). A cell *settles* at the first loop from which on the shortest
moves have a probability of `SURE` or more up to the last. For every rival (`algorithm_clocks`) the loop at which a cell
settles is fitted by

    settled(v) = a + b * rounds(v)

on one half of the mazes, by least squares, and judged on the other by the mean of |settled - fitted|, in loops; b is
loops per round. A rival is no account of the search unless it errs less than the constant, that is no rounds at all;
the one with the least error on the first half is named, and the others are compared with it on the same cells of the
second. Counted are the cells with two open sides or more that settle; their share is reported, as leaving out those
that the last loop cuts off makes errors and slopes too small. Mazes of one layout are in one half, and intervals are
over layouts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown, interval_text
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import LoopAnswers
from maze_rl.interp.inputs.algorithm_clocks import CLOCKS, Rounds
from maze_rl.interp.inputs.cell_features import degrees, split_halves
from maze_rl.interp.maze_draws import layouts_of, percentile_interval, redrawn_sums, sums_by_layout
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.intervals import Interval, bootstrap_ratios, num_clusters
from maze_rl.mazes.lattice import MazeBatch

SURE = 0.8
"""Probability of the shortest moves from which an answer counts as settled: chance among two ways is left behind."""


@dataclass(frozen=True, kw_only=True)
class Rival(Shown):
    """How well one algorithm's rounds say when cells settle."""

    error: Interval
    """Mean of |settled - fitted| on held-out mazes, in loops."""
    loops_per_round: Interval
    """b, on the mazes that it is fitted on."""
    beyond_best: Interval
    """Its error less that of the best rival, on the same cells; 0 for that one."""
    below_constant: Interval
    """Error of a constant less its own, on the same cells: above 0 for an account of the search."""


@dataclass(frozen=True, kw_only=True)
class RivalAlgorithms(Shown):
    """All rivals on the same mazes."""

    rivals: Mapping[str, Rival]
    """By name, the least error on the mazes that all are fitted on first."""
    settled: Interval
    """Share of all cells asked, but those with one open side, that settle."""
    num_cells: int
    """Held-out cells that errors are means over."""
    num_mazes: int
    """Held-out mazes."""

    @property
    def best(self) -> str:
        """The first of the rivals."""
        return next(iter(self.rivals))

    def _headline(self) -> str:
        best = self.rivals[self.best]
        error, speed = interval_text(best.error), interval_text(best.loops_per_round)
        return f"{self.best}: off by {error} loops, {speed} loops a round"


def settle_loops(confidence: Float32[ndarray, "maze loop cell"], sure: float = SURE) -> Int64[ndarray, "maze cell"]:
    """Return the first loop, counted from 1, from which on the confidence is `sure` or more; 0 where there is none."""
    unsure = confidence < sure
    last = confidence.shape[1] - unsure[:, ::-1].argmax(axis=1)
    settled = np.where(unsure.any(axis=1), last + 1, 1)
    return np.where(unsure[:, -1], 0, settled).astype(np.int64)


def enough_settle(answers: LoopAnswers, *, seed: int = 0) -> bool:
    """Tell whether `FEWEST_MAZES` layouts or more, in each half that the seed gives, have cells that settle."""
    counted = _asked(answers) & (settle_loops(answers.confidence) > 0)
    layouts = layouts_of(answers.mazes)
    fewest = min(num_clusters(layouts[rows][counted[rows].any(axis=1)]) for rows in split_halves(answers.mazes, seed))
    return fewest >= FEWEST_MAZES


def _asked(answers: LoopAnswers) -> Bool[ndarray, "maze cell"]:
    """Return the cells that count, settled or not: those with two open sides or more."""
    return answers.asked & (degrees(answers.mazes) >= 2)


def compare_rivals(
    answers: LoopAnswers,
    *,
    clocks: Mapping[str, Callable[[MazeBatch], Rounds]] = CLOCKS,
    seed: int = 0,
) -> RivalAlgorithms:
    """Compare when cells settle with the rounds of algorithms.

    Args:
        answers: Of trees of one size.
        clocks: Rounds of each rival.
        seed: Seed of halves and intervals.

    Raises:
        ConfigurationError: The mazes have cycles, or in one half fewer than `FEWEST_MAZES` layouts settle anywhere.
    """
    mazes = answers.mazes
    settled, asked = settle_loops(answers.confidence), _asked(answers)
    counted = asked & (settled > 0)
    halves, layouts = split_halves(mazes, seed), layouts_of(mazes)
    if not enough_settle(answers, seed=seed):
        raise ConfigurationError(
            f"too few of {len(mazes)} mazes have cells that settle: intervals need {FEWEST_MAZES} layouts in either "
            "half; ask about more mazes or after more loops."
        )
    rounds = {name: clock(mazes) for name, clock in clocks.items()} | {_CONSTANT: np.zeros(settled.shape)}
    fits = {name: _fitted(each, settled, counted, halves.fit) for name, each in rounds.items()}
    errors = {
        name: np.where(counted, np.abs(settled - intercept - slope * rounds[name]), 0.0).sum(axis=1)
        for name, (intercept, slope) in fits.items()
    }
    ranked = sorted(clocks, key=lambda name: errors[name][halves.fit].sum())
    best = ranked[0]
    rows = halves.held_out

    def mean(values: Float64[ndarray, " maze"]) -> Interval:
        cells = counted[rows].sum(axis=1).astype(np.float64)
        return bootstrap_ratios(values[rows, None], cells[:, None], layouts[rows], seed=seed)[0]

    return RivalAlgorithms(
        rivals={
            name: Rival(
                error=mean(errors[name]),
                loops_per_round=_slope(rounds[name], settled, counted, halves.fit, layouts, seed),
                beyond_best=mean(errors[name] - errors[best]),
                below_constant=mean(errors[_CONSTANT] - errors[name]),
            )
            for name in ranked
        },
        settled=bootstrap_ratios(
            counted.sum(axis=1, keepdims=True).astype(np.float64),
            asked.sum(axis=1, keepdims=True).astype(np.float64),
            layouts,
            seed=seed,
        )[0],
        num_cells=int(counted[rows].sum()),
        num_mazes=len(rows),
    )


_CONSTANT = "constant"


def _fitted(
    rounds: Rounds,
    settled: Int64[ndarray, "maze cell"],
    counted: Bool[ndarray, "maze cell"],
    rows: Int64[ndarray, " fit"],
) -> tuple[float, float]:
    """Return intercept and slope of the least-squares line."""
    return _line(_moments(rounds, settled, counted, rows).sum(axis=0))


def _slope(
    rounds: Rounds,
    settled: Int64[ndarray, "maze cell"],
    counted: Bool[ndarray, "maze cell"],
    rows: Int64[ndarray, " fit"],
    layouts: Int64[ndarray, " maze"],
    seed: int,
) -> Interval:
    """Return the slope with its interval over layouts."""
    sums = sums_by_layout(layouts[rows], _moments(rounds, settled, counted, rows))
    drawn = np.array([_line(each)[1] for each in redrawn_sums(sums, seed=seed)])
    return percentile_interval(_line(sums.sum(axis=0))[1], drawn, layouts=len(sums))


def _moments(
    rounds: Rounds,
    settled: Int64[ndarray, "maze cell"],
    counted: Bool[ndarray, "maze cell"],
    rows: Int64[ndarray, " fit"],
) -> Float64[ndarray, "fit 5"]:
    """Return each maze's sums of 1, x, y, x * x and x * y over the counted cells."""
    x, y, one = rounds[rows], settled[rows].astype(np.float64), counted[rows]
    return np.stack([np.where(one, each, 0.0).sum(axis=1) for each in (np.ones_like(x), x, y, x * x, x * y)], axis=1)


def _line(moments: Float64[ndarray, " 5"]) -> tuple[float, float]:
    """Return intercept and slope; a constant where all x are one."""
    num, x, y, xx, xy = moments
    spread = num * xx - x * x
    slope = (num * xy - x * y) / spread if spread > 0 else 0.0
    return float((y - slope * x) / num), float(slope)
