"""Tabular Q-learning with traces: Watkins's Q(lambda), for states that are named by a word.

On reward r for action a in state s, followed by state s' (Watkins 1989; Sutton and Barto 2018, sections 6.5, 12.10):

    error = r + discount * max_b Q(s', b) - Q(s, a);   e(s, a) = 1
    Q(x, b) += rate * error * e(x, b)   for all x, b;   then e *= discount * trace, or 0 if the next action explores.

Q starts at 0, which is optimistic where rewards are negative. The table knows nothing of learning rates: whatever
gives states and rewards can drive it.
"""

from typing import Any

import numpy as np

from maze_rl.displays.short_repr import Shown
from maze_rl.training.random_state import random_state, set_random_state

_SMALLEST_TRACE = 1e-3


class QTable(Shown):
    """Values of actions in states, learnt while acting epsilon-greedily.

    Between `act` and `act` there is one `learn`, which pays for the first of the two: a reward comes after its effect.
    """

    def __init__(
        self,
        actions: int,
        keep: int,
        random: np.random.Generator,
        *,
        discount: int | float = 0.9,
        rate: int | float = 0.1,
        trace: int | float = 0.5,
        epsilon: int | float = 0.1,
        epsilon_end: int | float = 0.02,
        epsilon_decay: int | float = 0.97,
    ) -> None:
        """Start with an empty table.

        Args:
            actions: Number of actions.
            keep: The action to take where nothing speaks for another.
            random: Draws whether to explore, and what.
            discount: Worth of a reward one decision later, 0 to 1.
            rate: Share of an error that is learnt at once, 0 to 1.
            trace: Lambda, 0 to 1.
            epsilon: Share of random actions at first.
            epsilon_end: Share of random actions it falls to.
            epsilon_decay: Factor on epsilon per decision.
        """
        self.values: dict[str, list[float]] = {}
        self.visits: dict[str, int] = {}
        self.decisions = 0
        self._actions, self._keep, self._random = actions, keep, random
        self._discount, self._rate, self._trace = discount, rate, trace
        self._epsilon, self._epsilon_end, self._epsilon_decay = epsilon, epsilon_end, epsilon_decay
        self._traces: list[tuple[str, int, float]] = []

    @property
    def epsilon(self) -> float:
        """Chance that the next action is random: max(end, start * decay ** decisions taken)."""
        return max(self._epsilon_end, self._epsilon * self._epsilon_decay**self.decisions)

    def greedy(self, state: str) -> int:
        """Return the best action known; among equals `keep`, or else one drawn of those nearest to it."""
        values = self._of(state)
        best = [action for action, value in enumerate(values) if value == max(values)]
        nearest = min(abs(action - self._keep) for action in best)
        equal = [action for action in best if abs(action - self._keep) == nearest]
        return equal[0] if len(equal) == 1 else equal[int(self._random.integers(len(equal)))]

    def act(self, state: str) -> int:
        """Choose an action, epsilon-greedily, and count the visit."""
        explores = self._random.random() < self.epsilon
        action = int(self._random.integers(self._actions)) if explores else self.greedy(state)
        if self._of(state)[action] < max(self._of(state)):
            self._traces = []  # later rewards say nothing about what the best actions would have led to
        fade = self._discount * self._trace
        faded = [(s, a, e * fade) for s, a, e in self._traces if e * fade > _SMALLEST_TRACE]
        self._traces = [entry for entry in faded if entry[:2] != (state, action)] + [(state, action, 1.0)]
        self.visits[state] = self.visits.get(state, 0) + 1
        self.decisions += 1
        return action

    @property
    def waits(self) -> bool:
        """Whether an action waits for its pay: not before the first one, nor after `begin`."""
        return bool(self._traces)

    def begin(self) -> None:
        """Begin an episode: what comes now is the effect of no action before it."""
        self._traces = []

    def learn(self, reward: int | float, next_state: str) -> None:
        """Pay the newest action what came of it; the first reward of an episode, before any action, goes to nobody."""
        if not self._traces:
            return
        state, action, _ = self._traces[-1]
        error = reward + self._discount * max(self._of(next_state)) - self._of(state)[action]
        for traced, taken, strength in self._traces:
            self.values.setdefault(traced, [0.0] * self._actions)[taken] += self._rate * error * strength

    def _of(self, state: str) -> list[float]:
        return self.values.get(state) or [0.0] * self._actions

    def state_dict(self) -> dict[str, Any]:
        """Return table, visits, traces and random state, as JSON values."""
        return {
            "values": {state: list(values) for state, values in self.values.items()},
            "visits": dict(self.visits),
            "decisions": self.decisions,
            "traces": [list(entry) for entry in self._traces],
            "random": random_state(self._random),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self.values = {name: list(values) for name, values in state["values"].items()}
        self.visits, self.decisions = dict(state["visits"]), state["decisions"]
        self._traces = [(s, a, e) for s, a, e in state["traces"]]
        set_random_state(self._random, state["random"])
