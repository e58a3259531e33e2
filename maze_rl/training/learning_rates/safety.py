"""Go back when training diverges: a guard around any controller.

It answers REMEMBER while training is healthy, and GO_BACK with half the learning rate when a loss or gradient is not
finite, or when after the warm-up the smoothed loss stands `spike` times, and six noises, above where it was when
weights were last remembered. If the loss is as high with the old weights, the data became harder and not the weights
worse: that is the new level, and the halving is taken back unless the controller had raised the rate. Each long healthy
stretch doubles the rate again, up to what is asked for.
"""

import math
from dataclasses import replace
from typing import Any

from maze_rl.displays.short_repr import Shown
from maze_rl.training.learning_rates.warm_up import WarmUp
from maze_rl.training.slots import Beginning, Controller, Outcome, Stateful, Verdict

_SMOOTHING = 0.2
"""Weight of the newest step in the smoothed log-loss."""
_NOISES = 6.0
"""How many standard deviations of its noise the smoothed loss must rise by."""
_LARGEST = 0.5
"""Largest change of the log-loss in one step that counts as noise."""
_RECOVERY = 10
"""Times weights are remembered until half a rate is given back."""
_RETURNS = 8
"""Times in a row it goes back before it gives up, and lets training end with an error."""


class DivergenceGuard(Shown):
    """Wraps a controller; its factor is the controller's, halved after every divergence.

    Attributes:
        record: That of the controller, and what the guard did after the newest step.
    """

    def __init__(
        self,
        controller: Controller,
        *,
        every: int = 20,
        spike: int | float = 3.0,
        lowest: int | float = 1 / 16,
        highest: int | float = 16.0,
    ) -> None:
        """Guard `controller`.

        Args:
            controller: What multiplies the learning rate.
            every: Healthy steps between two copies of the weights.
            spike: How many times the loss must rise to count as a divergence, above 1.
            lowest: Smallest factor.
            highest: Largest factor.
        """
        self.controller, self.record = controller, dict[str, Any]()
        self._every, self._spike, self._lowest, self._highest = every, math.log(spike), lowest, highest
        self._warm_up = WarmUp()
        self._scale = 1.0
        self._returns = self._healthy = self._copies = 0
        self._smooth: float | None = None
        self._last: float | None = None
        self._variance = 0.0
        self._settled: float | None = None
        self._trial = False  # the next loss is the first one with the old weights

    def begin(self) -> None:
        """Begin a stretch: no weights are remembered, and no loss is known to compare with."""
        self._warm_up, self._trial = WarmUp(), False
        self._settled = self._smooth = self._last = None
        self._returns = self._healthy = 0
        if isinstance(self.controller, Beginning):
            self.controller.begin()

    def multiplier(self) -> float:
        """Return the controller's factor, scaled, within the bounds."""
        return max(self._lowest, min(self._highest, self.controller.multiplier() * self._scale))

    def observe(self, outcome: Outcome) -> Verdict:
        """Pass the step on, and judge it."""
        self.record = {}
        held, scale = self.multiplier(), self._scale
        self._warm_up.observe(outcome, held)
        if outcome.finite:
            self._follow(math.log(max(outcome.loss, 1e-8)))
        diverged = not outcome.finite or self._spiked()
        asked = self.controller.multiplier()
        # the controller sees the rate as if there were no guard; a loss it must not learn from is not finite
        seen = replace(outcome, learning_rate=outcome.learning_rate * (asked / held)) if held != asked else outcome
        verdict = self.controller.observe(replace(seen, loss=math.inf) if diverged else seen)
        self.record = dict(getattr(self.controller, "record", {}))
        answer = self._go_back() if diverged else self._healthy_step(verdict)
        if self.record or self._scale != scale:
            self.record["multiplier"] = self.multiplier()  # what the next step is taken with, the guard's part included
        return answer

    def _follow(self, loss: float) -> None:
        if self._last is not None:
            change = max(-_LARGEST, min(_LARGEST, loss - self._last))  # a divergence is no noise
            self._variance += 0.05 * (change**2 / 2 - self._variance)
        self._last = loss
        self._smooth = loss if self._smooth is None else self._smooth + _SMOOTHING * (loss - self._smooth)
        if self._trial:
            self._judge_trial(loss)

    def _judge_trial(self, level: float) -> None:
        """Tell whether the loss is as high with the old weights too, and if so take back the halving."""
        self._trial = False
        if self._settled is not None and level > self._settled + self._spike / 2:
            self._settled = self._smooth = level
            if self.controller.multiplier() <= 1:
                self._scale, self._returns = min(1.0, self._scale * 2), 0

    def _spiked(self) -> bool:
        if self._warm_up.lasts or self._settled is None or self._smooth is None:
            return False
        deviation = math.sqrt(self._variance)
        noise = deviation * math.sqrt(_SMOOTHING / (2 - _SMOOTHING))
        rise = max(self._spike, _NOISES * noise)
        at_once = self._last is not None and self._last > self._settled + 2 * max(self._spike, _NOISES * deviation)
        return at_once or self._smooth > self._settled + rise

    def _go_back(self) -> Verdict:
        self._returns, self._healthy, self._copies = self._returns + 1, 0, 0
        if self._settled is None or self._returns > _RETURNS:
            return Verdict.GO_ON
        self._scale = max(self._scale / 2, self._lowest / self._highest)
        self._smooth, self._last, self._trial = self._settled, None, True
        self.record = {**self.record, "guard": "went back", "guard_scale": self._scale}
        return Verdict.GO_BACK

    def _healthy_step(self, verdict: Verdict) -> Verdict:
        self._healthy += 1
        due = self._settled is None or self._healthy >= self._every
        if verdict is Verdict.GO_BACK or not (due or verdict is Verdict.REMEMBER):
            return verdict
        self._settled, self._healthy, self._returns = self._smooth, 0, 0
        self._copies += 1
        if self._copies % _RECOVERY == 0:
            self._scale = min(1.0, self._scale * 2)
        return Verdict.REMEMBER

    def state_dict(self) -> dict[str, Any]:
        """Return what is known of the loss, the scale, and the controller's state."""
        numbers = {
            "scale": self._scale,
            "returns": self._returns,
            "healthy": self._healthy,
            "copies": self._copies,
            "smooth": self._smooth,
            "last": self._last,
            "variance": self._variance,
            "settled": self._settled,
            "trial": self._trial,
        }
        inner = self.controller.state_dict() if isinstance(self.controller, Stateful) else {}
        return {**numbers, "warm_up": self._warm_up.state_dict(), "controller": inner}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._scale, self._returns, self._healthy = state["scale"], state["returns"], state["healthy"]
        self._copies, self._smooth, self._last = state["copies"], state["smooth"], state["last"]
        self._variance, self._settled, self._trial = state["variance"], state["settled"], state["trial"]
        self._warm_up.load_state_dict(state["warm_up"])
        if isinstance(self.controller, Stateful):
            self.controller.load_state_dict(state["controller"])
