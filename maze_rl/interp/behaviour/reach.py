"""How far ahead does a model search, at most? Its reach K, by the lower end of an interval.

What a search needs to see at a fork depends on how it goes (`within_reach`): so a psychometric curve
(`behaviour/look_ahead`, with Manhattan greedy as its covariate) is fitted along each of five axes: the look-ahead, the
distance, the depth of dead ends, and the first and last of these for a cell that does not know where the walk came
from. Mazes of one half of the layouts choose the axis, by the likelihood that the fall adds; on the other half

    K = floor of the lower end of the 95 % interval of L_eff.

Where none has a fall, a model that is right throughout has a reach beyond these mazes: K is then the largest
look-ahead that `FEWEST_MAZES` layouts have, and `whole` says so. One that is not right, or follows the greedy rule, has
none: K is 0.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from maze_rl.displays.short_repr import Shown, interval_text
from maze_rl.interp.behaviour.look_ahead import LookAhead, look_ahead
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.inputs.within_reach import AXES, WORDS, Axis, steps_at
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.seeding import numpy_generator


@dataclass(frozen=True, kw_only=True)
class Reach(Shown):
    """How far a model sees."""

    axis: Axis
    """What is limited: chosen on one half of the layouts."""
    steps: int
    """K, on the other half."""
    whole: bool
    """Whether these mazes show no end of it."""
    curve: LookAhead
    """Along the axis, on the half that K is from."""

    def _headline(self) -> str:
        if self.steps == 0:
            return "no reach beyond what a rule explains"
        known = "as far as these mazes go" if self.whole else f"L_eff {interval_text(self.curve.joint.look_ahead)}"
        return f"{self.text} ({known})"

    @property
    def text(self) -> str:
        """K in words."""
        return f"{self.steps} steps {WORDS[self.axis]}{' at least' if self.whole else ''}"


def measure_reach(decisions: Decisions, right: Bool[ndarray, " decision"], *, seed: int = 0) -> Reach:
    """Measure the reach at the forks along shortest paths.

    Args:
        decisions: Decisions of mazes of one size without cycles, not selected by how hard they are.
        right: Whether each choice was right.
        seed: Seed of the halves and of the draws of layouts.

    Raises:
        ConfigurationError: A wrong branch never closes: the mazes have cycles.
    """
    kinds, kind_of = np.unique(decisions.layouts, return_inverse=True)
    first = numpy_generator(seed, "reach_halves").permutation(len(kinds))[kind_of] < len(kinds) / 2
    chosen_on: dict[Axis, LookAhead] = {axis: _curve(decisions, right, first, axis, seed) for axis in AXES}
    falling: list[Axis] = [axis for axis, curve in chosen_on.items() if curve.joint.where == "within"]
    axis = AXES[0]
    if falling:
        axis = max(falling, key=lambda each: chosen_on[each].joint.gain)
    curve = _curve(decisions, right, ~first, axis, seed)
    whole = curve.joint.where == "above"
    if whole:
        steps = _longest(decisions.take(~first), axis)
    elif curve.joint.where == "within":
        steps = max(0, int(np.floor(curve.joint.look_ahead.low)))
    else:
        steps = 0
    return Reach(axis=axis, steps=steps, whole=whole, curve=curve)


def _curve(
    decisions: Decisions, right: Bool[ndarray, " decision"], rows: Bool[ndarray, " decision"], axis: Axis, seed: int
) -> LookAhead:
    return look_ahead(decisions.take(rows), right[rows], axis=axis, seed=seed)


def _longest(decisions: Decisions, axis: Axis) -> int:
    """Return the most steps that forks of `FEWEST_MAZES` layouts need."""
    forks = decisions.take(decisions.is_fork)
    steps = steps_at(forks, axis)
    for longest in np.unique(steps)[::-1]:
        if len(np.unique(forks.layouts[steps >= longest])) >= FEWEST_MAZES:
            return int(longest)
    return 0
