"""Every update scaled by one factor and with Gaussian noise: the control for a die's chance, without its skips.

A die multiplies updates by a scale s of some mean and spread. An update of the same mean and the same added energy, but
whose chance points anywhere and not along the update, is the factor E[s] with noise of standard deviation std(s)
(`maze_rl.training.update_rules.rule_sets.mean_scale` and `scale_spread`).
"""

from typing import Literal

from maze_rl.displays.short_repr import Shown
from maze_rl.training.slots import Apply, Moment


class NoisyUpdate(Shown):
    """Takes every update, scaled by one factor and with noise.

    Args:
        scale: The factor.
        noise: Standard deviation of the noise, in units of each parameter's root mean square plain update.
    """

    per: Literal["mini_batch", "step"] = "step"
    apply_to: Literal["loss", "grad", "update"] = "update"

    def __init__(self, scale: int | float = 1.0, noise: int | float = 0.1) -> None:
        self.scale, self.noise = float(scale), float(noise)

    def decide(self, moment: Moment) -> Apply:
        """Return the factor and the noise."""
        return Apply(self.scale, {"scale": self.scale, "noise": self.noise}, self.noise)
