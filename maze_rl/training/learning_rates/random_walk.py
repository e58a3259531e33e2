"""A control: the actions of Q-learning, drawn evenly, whatever comes of them."""

from typing import Any

import numpy as np

from maze_rl.displays.short_repr import Shown
from maze_rl.training.learning_rates.interval import Reading
from maze_rl.training.learning_rates.q_learning import FACTORS
from maze_rl.training.random_state import random_state, set_random_state
from maze_rl.training.slots import Record


class RandomWalk(Shown):
    """The policy: a random walk of the factor's logarithm, between its bounds."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def decide(self, reading: Reading, multiplier: float) -> tuple[float, Record]:
        """Draw an action."""
        action = FACTORS[int(self._random.integers(len(FACTORS)))]
        return multiplier * action, {"action": action, "reward": reading.gain}

    def begin(self) -> None:
        """Begin a stretch: nothing is remembered of the one before."""

    def state_dict(self) -> dict[str, Any]:
        """Return the random state."""
        return {"random": random_state(self._random)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        set_random_state(self._random, state["random"])
