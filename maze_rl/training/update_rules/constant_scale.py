"""A constant factor on every update: the control that matches a die's mean scale, without its chance.

The factor is `maze_rl.training.update_rules.rule_sets.mean_scale` of the die's settings.
"""

from typing import Literal

from maze_rl.displays.short_repr import Shown
from maze_rl.training.slots import Apply, Moment


class ConstantScale(Shown):
    """Takes every update, scaled by one factor.

    Args:
        scale: The factor; negative turns updates round, 1 changes no bit.
        apply_to: What it goes on: the update, or the gradient (`loss` is the same: it is scaled after clipping).
    """

    per: Literal["mini_batch", "step"] = "step"

    def __init__(self, scale: int | float = 1.0, apply_to: Literal["loss", "grad", "update"] = "update") -> None:
        self.scale = float(scale)
        self.apply_to: Literal["loss", "grad", "update"] = apply_to

    def decide(self, moment: Moment) -> Apply:
        """Return the factor."""
        return Apply(self.scale, {"scale": self.scale})
