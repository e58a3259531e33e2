"""What a controller reads off the steps between two decisions.

With l_t = log(loss_t), the level of an interval is the mean of l over its steps where the training loss is itself held
out (the endless stream), and the log of one measurement on held-out data elsewhere. The noise of a level is that of
the mean: sd(l_t - l_(t-1)) / sqrt(2 n). The gain is by how many such noises the level fell since the last decision:

    gain = clip((level_before - level_now) / noise, -5, 5),    and -5 after a divergence.
"""

import math
from dataclasses import dataclass
from typing import Any

from maze_rl.displays.short_repr import Shown
from maze_rl.training.slots import Outcome

MOST = 5.0
"""Largest gain, in noises; minus that is the penalty of a divergence."""
_SMALLEST_LOSS = 1e-8
_MIX = 0.3
"""Weight of the newest interval in the running means of noise and gradient norm."""
_SPIKE = 6.0
"""A step this many noises above the one before makes an interval unstable."""


@dataclass(frozen=True)
class Reading(Shown):
    """What is known when a decision is due."""

    progress: float
    """Share of the stretch that is done, 0 to 1."""
    level: float
    """Held-out loss, log of nats."""
    gain: float
    """Fall of the level since the decision before, in units of its noise, -5 to 5; 0 at the first decision."""
    gradient_ratio: float
    """Mean gradient norm of the interval over that of the intervals before; 1 at the first decision."""
    unstable: bool
    """Whether the loss jumped or diverged within the interval."""


class Interval(Shown):
    """Collects steps; every `every` steps there is something to read."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._losses: list[float] = []
        self._norms: list[float] = []
        self._level: float | None = None
        self._variance: float | None = None
        self._norm: float | None = None

    def add(self, outcome: Outcome) -> Reading | None:
        """Take up one step (cheap); return a reading when a decision is due: at its time, or after a divergence."""
        if not outcome.finite:
            return self._broken_off(outcome)
        self._losses.append(math.log(max(outcome.loss, _SMALLEST_LOSS)))
        self._norms.append(outcome.gradient_norm)
        return self._closed(outcome) if len(self._losses) >= self._every else None

    def begin(self) -> None:
        """Forget the steps collected since the last reading."""
        self._losses, self._norms = [], []

    def restart(self) -> None:
        """Begin anew where the loss may be another one: there is no level to compare with, but its noise is known."""
        self.begin()
        self._level = None

    def _broken_off(self, outcome: Outcome) -> Reading:
        """Close the interval without reading its losses: they belong to weights that are given up."""
        self.begin()
        level = 0.0 if self._level is None else self._level
        return Reading(_progress(outcome), level, -MOST, 1.0, True)

    def _closed(self, outcome: Outcome) -> Reading:
        level = self._held_out_level(outcome)
        if not math.isfinite(level):
            return self._broken_off(outcome)
        differences = [after - before for before, after in zip(self._losses, self._losses[1:], strict=False)]
        variance = sum(d * d for d in differences) / max(2 * len(differences), 1)
        known = self._variance
        self._variance = variance if known is None else (1 - _MIX) * known + _MIX * variance
        noise = math.sqrt(self._variance / len(self._losses)) + 1e-9
        gain = 0.0 if self._level is None else max(-MOST, min(MOST, (self._level - level) / noise))
        jump = _SPIKE * math.sqrt(2 * self._variance if known is None else 2 * known)
        unstable = any(difference > jump for difference in differences)
        norm = sum(self._norms) / len(self._norms)
        ratio = 1.0 if not self._norm else norm / self._norm
        self._norm = norm if self._norm is None else (1 - _MIX) * self._norm + _MIX * norm
        self._level = level
        self.begin()
        return Reading(_progress(outcome), level, gain, ratio, unstable)

    def _held_out_level(self, outcome: Outcome) -> float:
        measured = outcome.held_out()
        if measured == outcome.loss:  # the training loss is held out itself: all steps of the interval count
            return sum(self._losses) / len(self._losses)
        return math.log(max(measured, _SMALLEST_LOSS)) if math.isfinite(measured) else math.nan

    def state_dict(self) -> dict[str, Any]:
        """Return the steps collected and the running means."""
        return {
            "losses": list(self._losses),
            "norms": list(self._norms),
            "level": self._level,
            "variance": self._variance,
            "norm": self._norm,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._losses, self._norms = list(state["losses"]), list(state["norms"])
        self._level, self._variance, self._norm = state["level"], state["variance"], state["norm"]


def _progress(outcome: Outcome) -> float:
    return (outcome.step + 1) / max(outcome.steps, 1)
