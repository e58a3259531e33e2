"""The plain update rule: every update is taken as it is."""

from typing import Literal

from maze_rl.displays.short_repr import Shown
from maze_rl.training.slots import Apply, Moment


class EveryStep(Shown):
    """Takes every update whole."""

    per: Literal["mini_batch", "step"] = "step"
    apply_to: Literal["loss", "grad", "update"] = "update"

    def decide(self, moment: Moment) -> Apply:
        """Return a scale of 1."""
        return Apply()
