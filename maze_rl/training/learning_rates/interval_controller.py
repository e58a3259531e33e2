"""A controller that decides every few steps, and holds its factor in between.

What it decides is up to a policy: Q-learning, a bandit, a random walk, or waiting for a plateau.
"""

from typing import Any, Protocol, runtime_checkable

from maze_rl.displays.short_repr import Shown
from maze_rl.training.learning_rates.interval import Interval, Reading
from maze_rl.training.learning_rates.warm_up import WarmUp
from maze_rl.training.slots import Outcome, Record, Verdict


@runtime_checkable
class Policy(Protocol):
    """Chooses the factor on the schedule that holds until the next decision."""

    def decide(self, reading: Reading, multiplier: float) -> tuple[float, Record]:
        """Learn what the last decision led to, and decide.

        Args:
            reading: Of the steps since the last decision.
            multiplier: The factor that held in them.

        Returns:
            The new factor (the controller keeps it within its bounds), and what to log of the decision.
        """
        ...

    def begin(self) -> None:
        """Begin a stretch, with another loss perhaps: nobody will see what the last decision led to."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides what comes next, as JSON values."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        ...


class IntervalController(Shown):
    """Asks a policy every `every` steps after the warm-up; the warm-up itself is left alone.

    Attributes:
        record: What was decided after the newest step; empty after a step without a decision.
    """

    def __init__(
        self, policy: Policy, every: int, lowest: int | float, highest: int | float, applied: bool = True
    ) -> None:
        """Start at a factor of 1.

        Args:
            policy: What decides.
            every: Steps between decisions.
            lowest: Smallest factor.
            highest: Largest factor.
            applied: False for a sham: it decides and learns as if it acted, but the factor of every step is 1.
        """
        self.policy, self.record = policy, dict[str, Any]()
        self._interval, self._warm_up = Interval(every), WarmUp()
        self._lowest, self._highest, self._applied = lowest, highest, applied
        self._wanted = 1.0

    def begin(self) -> None:
        """Begin a stretch: its warm-up is left alone, and its loss pays for no earlier decision."""
        self._warm_up = WarmUp()
        self._interval.restart()
        self.policy.begin()

    def multiplier(self) -> float:
        """Return the factor that holds; 1 during the warm-up, and always for a sham."""
        return self._wanted if self._applied and not self._warm_up.lasts else 1.0

    def observe(self, outcome: Outcome) -> Verdict:
        """Collect a step; decide when it is time, or at once after a divergence."""
        self.record = {}
        self._warm_up.observe(outcome, self.multiplier())
        if self._warm_up.lasts:
            self._interval.begin()
            return Verdict.GO_ON
        reading = self._interval.add(outcome)
        if reading is not None:
            wanted, noted = self.policy.decide(reading, self._wanted)
            self._wanted = float(max(self._lowest, min(self._highest, wanted)))
            self.record = {**noted, "multiplier": self._wanted, "applied": self._applied}
        return Verdict.GO_ON

    def state_dict(self) -> dict[str, Any]:
        """Return factor, collected steps and what the policy knows, as JSON values."""
        return {
            "wanted": self._wanted,
            "warm_up": self._warm_up.state_dict(),
            "interval": self._interval.state_dict(),
            "policy": self.policy.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._wanted = state["wanted"]
        self._warm_up.load_state_dict(state["warm_up"])
        self._interval.load_state_dict(state["interval"])
        self.policy.load_state_dict(state["policy"])
