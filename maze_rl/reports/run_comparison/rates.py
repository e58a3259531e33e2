"""What each group reached on the judged measures: the mean over its seeds, with Student's 95 % interval of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maze_rl.displays.short_repr import Shown
from maze_rl.reports.run_comparison.groups import Comparison, JsonDict
from maze_rl.reports.run_comparison.verdicts import number_text, paired_t, rate_text


@dataclass(frozen=True, kw_only=True)
class Rate(Shown):
    """One measure of one group."""

    arm: str
    measure: str
    seeds: int
    mean: float
    low: float | None
    """Ends of the interval; None for one seed."""
    high: float | None

    @property
    def text(self) -> str:
        """The mean and its interval, rates in percent: ``71.3 % [68.1, 74.5]``."""
        mean = rate_text(self.measure, self.mean)
        if self.low is None or self.high is None:
            return mean
        return f"{mean} [{', '.join(number_text(self.measure, end) for end in (self.low, self.high))}]"

    def to_json(self) -> JsonDict:
        """Return plain values, the text included."""
        return vars(self) | {"text": self.text}


def rates(comparison: Comparison) -> list[Rate]:
    """Return every group's judged measures, group by group; those that none of its seeds has are left out."""
    found = []
    for group in comparison.groups:
        for measure in comparison.judged:
            values = [run.measures[measure] for run in group.runs if measure in run.measures]
            if values:
                found.append(_rate(group.name, measure, values))
    return found


def _rate(arm: str, measure: str, values: Sequence[float]) -> Rate:
    mean, half = (float(value) for value in paired_t(np.array(values)))
    low, high = (None, None) if len(values) < 2 else (mean - half, mean + half)
    return Rate(arm=arm, measure=measure, seeds=len(values), mean=mean, low=low, high=high)


def rate_table(found: Sequence[JsonDict]) -> tuple[list[str], list[list[str]]]:
    """Return titles and rows of the table of rates (as JSON values), a row per group, a column per measure."""
    measures = list(dict.fromkeys(each["measure"] for each in found))
    by_arm: dict[str, dict[str, JsonDict]] = {}
    for each in found:
        by_arm.setdefault(each["arm"], {})[each["measure"]] = each
    rows = [
        [
            arm,
            str(max(each["seeds"] for each in has.values())),
            *(has[name]["text"] if name in has else "–" for name in measures),
        ]
        for arm, has in by_arm.items()
    ]
    return ["arm", "seeds", *measures], rows
