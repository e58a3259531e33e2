"""What every test of the battery comes to: an effect with its interval, beside its control, and a verdict.

A verdict is `yes` where the whole 95 % interval of the effect lies beyond the threshold, `no` where it lies below, and
`unclear` where it holds the threshold. Thresholds are those the calibration models were judged with; they are
never fitted to the model under study.
"""

from dataclasses import dataclass
from typing import Literal

from maze_rl.displays.short_repr import Shown, interval_text
from maze_rl.intervals import Interval

Verdict = Literal["yes", "no", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Finding(Shown):
    """One test's outcome."""

    name: str
    """What was measured, in a few words."""
    effect: Interval
    """The effect and its 95 % interval; nan where nothing could be measured."""
    threshold: float
    """What the effect must exceed for `yes`."""
    num_mazes: int
    """Mazes the effect is estimated on."""
    num_layouts: int | None = None
    """Layouts (walls up to rotation and reflection) among them, which the interval counts; None where they were not
    counted."""
    control: Interval | None = None
    """The same measure where nothing should be found; it is already subtracted where the name says so."""
    control_name: str = ""
    """What the control is."""

    def _headline(self) -> str:
        return f"{self.name}: {interval_text(self.effect)}, threshold {self.threshold:g}: {self.verdict}"

    def _brief(self) -> str:
        return f"{interval_text(self.effect)}: {self.verdict}"

    @property
    def verdict(self) -> Verdict:
        """Where the interval lies relative to the threshold."""
        if self.effect.value != self.effect.value:
            return "unclear"
        if self.effect.low > self.threshold:
            return "yes"
        return "no" if self.effect.high <= self.threshold else "unclear"
