"""Whether the warm-up of a schedule lasts: as long as its rate rises from step to step.

Read off the rates themselves, it holds for every schedule, also for torch's own schedulers outside the trainer.
"""

from typing import Any

from maze_rl.displays.short_repr import Shown
from maze_rl.training.slots import Outcome


class WarmUp(Shown):
    """Follows the rate of the schedule; controllers stay at a factor of 1 while it lasts."""

    def __init__(self) -> None:
        self.lasts = True
        self._step, self._rate = -1, -1.0

    def observe(self, outcome: Outcome, multiplier: int | float) -> None:
        """Take up one step.

        Args:
            outcome: Of the step.
            multiplier: The factor on the schedule's rate that is part of ``outcome.learning_rate``.
        """
        rate = outcome.learning_rate / multiplier
        if outcome.step < self._step:  # a new stretch
            self.__init__()
        if outcome.step > self._step:  # a step thrown away leaves the schedule where it is
            self.lasts = self.lasts and rate > self._rate
            self._step, self._rate = outcome.step, rate

    def state_dict(self) -> dict[str, Any]:
        """Return whether it lasts, and the step and rate last seen."""
        return {"lasts": self.lasts, "step": self._step, "rate": self._rate}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self.lasts, self._step, self._rate = state["lasts"], state["step"], state["rate"]
