"""The agents of runs 1 to 4 of "Adaptive Learning Rates for Transformers via Q-Learning", faults included.

The paper was written by The AI Scientist (Lu et al. 2024, arXiv 2408.06292; Sakana AI's repository, folder
``example_papers/rl_lr_adaptation``). At every evaluation, with validation loss v and learning rate l:

    s = (round(v, 2), round(l, 5));   a in {-1, 0, +1}, epsilon-greedy, the first of equals (so -1)
    l' = max(floor, l * (1 + 0.1 a));   s' = (round(v, 2), round(l', 5));   v is the same: no effect is ever seen
    Q(s, a) += 0.1 * (r + 0.9 * max Q(s', .) - Q(s, a))     in single precision, as rewards were torch tensors

    run 1, 2:  r = -v;                epsilon = 0.1
    run 3:     r = best before - v;   epsilon = 0.1;   the best starts at 1e9, so the first reward is about 1e9
    run 4:     as run 3;              epsilon *= 0.99 with every random action

In the original l' was logged and overwritten before the next step: the agent never reached the optimizer, and what
was reported for runs 2 to 4 came of a base rate twice that of runs 0 and 1. So it is a sham unless it is `applied`,
and then the factors l'/l multiply up (within 1/16 and 16, after the warm-up). Doubling the base rate is left to
the experiment. Evaluations were before steps 0, 250, 500, ...; here the controller decides after those steps.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from maze_rl.displays.short_repr import Shown
from maze_rl.training.learning_rates.warm_up import WarmUp
from maze_rl.training.random_state import random_state, set_random_state
from maze_rl.training.slots import Outcome, Verdict

LOWEST, HIGHEST = 1 / 16, 16.0
"""Bounds of the factor when applied."""
_ALPHA, _GAMMA = np.float32(0.1), np.float32(0.9)
_DECAY = 0.99


@dataclass(frozen=True)
class Rule(Shown):
    """What differs between the runs."""

    improvement: bool
    """Reward the improvement on the best loss so far; else minus the loss."""
    decaying: bool
    """Lower epsilon with every random action."""


RULES: dict[str, Rule] = {
    "ai_scientist_run1": Rule(improvement=False, decaying=False),
    "ai_scientist_run2": Rule(improvement=False, decaying=False),
    "ai_scientist_run3": Rule(improvement=True, decaying=False),
    "ai_scientist_run4": Rule(improvement=True, decaying=True),
}


class OriginalAgent(Shown):
    """The rule by itself: validation loss and learning rate in, learning rate out."""

    def __init__(self, rule: Rule, floor: int | float, random: np.random.Generator) -> None:
        self._rule, self._floor, self._random = rule, floor, random
        self._table: dict[tuple[float, float], list[Any]] = {}
        self._best = 1e9
        self._epsilon = 0.1

    def decide(self, loss: float, rate: float) -> dict[str, Any]:
        """Decide, and learn at once, as the original did.

        Args:
            loss: Validation loss, nats; taken in single precision.
            rate: Learning rate now.

        Returns:
            `state`, `action`, `reward`, `epsilon` (with which the action was chosen) and the new `learning_rate`.
        """
        measured = np.float32(loss)
        state = (round(float(measured), 2), round(rate, 5))
        epsilon, action = self._epsilon, self._act(state)
        wanted = max(float(self._floor), rate * (1 + action * 0.1))
        reward = np.float32(self._best) - measured if self._rule.improvement else -measured
        self._learn(state, action, reward, (state[0], round(wanted, 5)))
        self._best = min(self._best, float(measured))
        return {
            "state": list(state),
            "action": action,
            "reward": float(reward),
            "epsilon": epsilon,
            "learning_rate": wanted,
        }

    def _act(self, state: tuple[float, float]) -> int:
        if self._random.random() < self._epsilon:
            self._epsilon *= _DECAY if self._rule.decaying else 1.0
            return int(self._random.integers(3)) - 1
        return _best_of(self._values(state)) - 1

    def _learn(self, state: Any, action: int, reward: np.float32, after: Any) -> None:
        values, next_values = self._values(state), self._values(after)
        target = reward + _GAMMA * next_values[_best_of(next_values)]
        values[action + 1] += _ALPHA * (target - values[action + 1])

    def _values(self, state: tuple[float, float]) -> list[Any]:
        return self._table.setdefault(state, [np.float32(0)] * 3)

    def state_dict(self) -> dict[str, Any]:
        """Return table, best loss, epsilon and random state, as JSON values."""
        return {
            "table": [[*state, *map(float, values)] for state, values in self._table.items()],
            "best": self._best,
            "epsilon": self._epsilon,
            "random": random_state(self._random),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._table = {(row[0], row[1]): [np.float32(value) for value in row[2:]] for row in state["table"]}
        self._best, self._epsilon = state["best"], state["epsilon"]
        set_random_state(self._random, state["random"])


def _best_of(values: list[Any]) -> int:
    return values.index(max(values))


class AiScientist(Shown):
    """The agent as a controller; a sham unless applied.

    Attributes:
        record: What was decided after the newest step; empty after a step without a decision.
    """

    def __init__(self, agent: OriginalAgent, every: int, applied: bool) -> None:
        """Start at a factor of 1.

        Args:
            agent: The rule.
            every: Steps between decisions; there is one after the first step of a stretch.
            applied: False as in the original: what is decided never reaches the optimizer.
        """
        self._agent, self._every, self._applied = agent, every, applied
        self._warm_up = WarmUp()
        self._factor = 1.0
        self.record = dict[str, Any]()

    def begin(self) -> None:
        """Begin a stretch: its warm-up is left alone."""
        self._warm_up = WarmUp()

    def multiplier(self) -> float:
        """Return 1, or when applied and after the warm-up the product of what was decided."""
        return self._factor if self._applied and not self._warm_up.lasts else 1.0

    def observe(self, outcome: Outcome) -> Verdict:
        """Decide after every `every` steps, on the held-out loss."""
        self.record = {}
        self._warm_up.observe(outcome, self.multiplier())
        if outcome.step % self._every == 0 and outcome.finite:
            decided = self._agent.decide(outcome.held_out(), outcome.learning_rate)
            wanted = decided.pop("learning_rate")
            if not self._warm_up.lasts and outcome.learning_rate > 0:
                ratio = wanted / outcome.learning_rate
                self._factor = max(LOWEST, min(HIGHEST, self._factor * ratio)) if self._applied else 1.0
            self.record = {**decided, "wanted": wanted, "multiplier": self.multiplier(), "applied": self._applied}
        return Verdict.GO_ON

    def state_dict(self) -> dict[str, Any]:
        """Return factor and agent, as JSON values."""
        return {"factor": self._factor, "warm_up": self._warm_up.state_dict(), "agent": self._agent.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._factor = state["factor"]
        self._warm_up.load_state_dict(state["warm_up"])
        self._agent.load_state_dict(state["agent"])
