"""Better, worse, or no difference shown: one measure, two groups, seed by seed.

The same seed gives both groups the same first weights and the same mazes in the same order, so the unit is the pair.
With differences d_1 .. d_n of n seeds the interval is Student's: mean(d) -/+ t(n - 1, 0.975) * s(d) / sqrt(n).
A verdict is given only if the interval lies on one side of zero. Each interval has 95 % for itself; nothing is
corrected for their number. It is over seeds on one fixed set of test mazes: how other mazes would fare is not in it,
which is why small mazes, of which there are few different ones, get no verdict (`too_small_to_judge`).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from maze_rl.configs.experiment import lower_is_better, too_small_to_judge
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import Caution
from maze_rl.intervals import LEVEL
from maze_rl.reports.run_comparison.groups import Comparison, Group

BETTER, WORSE, NONE_SHOWN, NOT_JUDGED = "better", "worse", "no difference shown", "not judged"
EQUAL_TOKENS = 0.05
"""Relative difference of tokens above which a verdict mentions them."""


@dataclass(frozen=True, kw_only=True)
class Verdict(Shown):
    """What one measure says of a group against another."""

    arm: str
    against: str
    measure: str
    seeds: int
    """Pairs."""
    arm_mean: float
    against_mean: float
    differences: tuple[float, ...]
    """Arm minus other, of each pair."""
    difference: float
    """Their mean."""
    low: float | None
    """Ends of its interval; None for fewer than two pairs."""
    high: float | None
    word: str
    """`better`, `worse` or `no difference shown`; `not judged` of mazes too small for that."""
    token_ratio: float
    """Tokens trained on, arm over other."""
    layouts: int | None = None
    """Different walls among the test mazes of that size, up to rotation and reflection; None where not counted."""

    @property
    def verdict(self) -> str:
        """The word, and why there is no verdict where there is none."""
        if self.word != NOT_JUDGED:
            return self.word
        return f"{NOT_JUDGED}: " + ("too few layouts" if self.layouts is None else f"{self.layouts:,} layouts")

    @property
    def text(self) -> str:
        """The verdict as a sentence."""
        values = " against ".join(rate_text(self.measure, value) for value in (self.arm_mean, self.against_mean))
        tokens = f"; tokens {self.token_ratio:.2f} : 1" if abs(self.token_ratio - 1) > EQUAL_TOKENS else ""
        return (
            f"{self.arm} against {self.against}, {self.measure}: {self.verdict} ({values}, difference "
            f"{difference_text(self)}, {self.seeds} seed{'s' * (self.seeds != 1)}{tokens})"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the sentence included."""
        return vars(self) | {"text": self.text}


def number_text(measure: str, value: float, sign: str = "") -> str:
    """Write the number of a measure: a loss in nats, a rate times 100; `sign` is that of the format."""
    return f"{value:{sign}.4f}" if is_loss(measure) else f"{100 * value:{sign}.1f}"


def rate_text(measure: str, value: float) -> str:
    """Write a value of a measure with its unit."""
    return number_text(measure, value) + ("" if is_loss(measure) else " %")


def difference_text(verdict: Verdict) -> str:
    """Write a difference and its interval, rates in points: ``-29.3 [-35.0 to -23.6]``."""
    between = "one seed"
    if verdict.low is not None and verdict.high is not None:
        between = " to ".join(number_text(verdict.measure, end, "+") for end in (verdict.low, verdict.high))
    return f"{number_text(verdict.measure, verdict.difference, '+')} [{between}]"


def is_loss(measure: str) -> bool:
    """Tell a loss from a rate."""
    return measure.partition("@")[0].endswith("loss")


def verdict_table(found: Sequence[Verdict]) -> tuple[list[str], list[list[str]]]:
    """Return titles and rows of the table of verdicts: a row per pair, a column per measure."""
    measures = list(dict.fromkeys(each.measure for each in found))
    pairs: dict[tuple[str, str], dict[str, Verdict]] = {}
    for each in found:
        pairs.setdefault((each.arm, each.against), {})[each.measure] = each
    rows = [
        [
            *pair,
            str(max(each.seeds for each in has.values())),
            f"{next(iter(has.values())).token_ratio:.2f} : 1",
            *(_cell(has[name]) if name in has else "–" for name in measures),
        ]
        for pair, has in pairs.items()
    ]
    return ["arm", "against", "seeds", "tokens", *measures], rows


def _cell(verdict: Verdict) -> str:
    return difference_text(verdict) + (f": {verdict.verdict}" if verdict.seeds > 1 else "")


def paired_t(gaps: Float[ndarray, "seed ..."]) -> tuple[ndarray, ndarray]:
    """Return the mean over seeds and half the width of its 95 % t interval; NaN for fewer than two seeds."""
    from scipy.stats import t

    num = len(gaps)
    mean = np.asarray(gaps.mean(axis=0))
    if num < 2:
        return mean, np.full_like(mean, np.nan)
    quantile = float(t.ppf(0.5 + LEVEL / 2, num - 1))
    return mean, np.asarray(quantile * gaps.std(axis=0, ddof=1) / num**0.5)


def judge_pair(arm: Group, other: Group, measure: str) -> Verdict | None:
    """Return what a measure says; None where no seed has it in both groups."""
    seeds = [
        seed
        for seed in arm.seeds
        if seed in other.seeds and all(measure in each.of_seed(seed).measures for each in (arm, other))
    ]
    if not seeds:
        return None
    ours, theirs = (np.array([each.of_seed(seed).measures[measure] for seed in seeds]) for each in (arm, other))
    mean, half = (float(value) for value in paired_t(ours - theirs))
    low, high = (None, None) if len(seeds) < 2 else (mean - half, mean + half)
    return Verdict(
        arm=arm.name,
        against=other.name,
        measure=measure,
        seeds=len(seeds),
        arm_mean=float(ours.mean()),
        against_mean=float(theirs.mean()),
        differences=tuple((ours - theirs).tolist()),
        difference=mean,
        low=low,
        high=high,
        word=NOT_JUDGED if too_small_to_judge(measure) else _word(low, high, lower_is_better(measure)),
        layouts=_layouts(arm, measure),
        token_ratio=float(np.mean([arm.of_seed(s).tokens / other.of_seed(s).tokens for s in seeds])),
    )


def _layouts(group: Group, measure: str) -> int | None:
    """Return how many layouts the measure's test mazes have, where that was measured."""
    counted = group.runs[0].measures.get(f"layouts@{measure.partition('@')[2]}")
    return None if counted is None else round(counted)


def _word(low: float | None, high: float | None, lower_better: bool) -> str:
    if low is None or high is None or low <= 0 <= high:
        return NONE_SHOWN
    return BETTER if (high < 0) == lower_better else WORSE


def verdicts(comparison: Comparison) -> list[Verdict]:
    """Return the verdicts of all pairs on all judged measures, pair by pair; warns of a measure that no run has."""
    measured = {name for group in comparison.groups for run in group.runs for name in run.measures}
    for measure in comparison.judged:
        if measure not in measured:
            warnings.warn(
                f"judged {measure!r} was measured in no run: no verdict on it. Measured were: "
                f"{', '.join(sorted(measured))}.",
                Caution,
                stacklevel=2,
            )
    found: Sequence[Verdict | None] = [
        judge_pair(arm, other, measure) for arm, other in comparison.pairs for measure in comparison.judged
    ]
    return [verdict for verdict in found if verdict is not None]
