"""Bandits over factors on the schedule: each decision plays one arm, and is paid at the next.

Rewards are the gains of `maze_rl.training.learning_rates.interval`, brought to x in 0..1. UCB1 (Auer, Cesa-Bianchi
and Fischer 2002) plays the arm with the largest mean(x) + c * sqrt(2 ln t / n); Exp3 (Auer et al. 2002) draws an arm
with p_i = (1 - g) w_i / sum(w) + g / K and then has w_i *= exp(g x / (K p_i)). Bandits over learning rates: Donâncio
et al. 2024 (arXiv 2410.12598).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from maze_rl.displays.short_repr import Shown
from maze_rl.training.learning_rates.interval import MOST, Reading
from maze_rl.training.random_state import random_state, set_random_state
from maze_rl.training.slots import Record

ARMS = (1.0, 0.5, 2.0, 0.25, 4.0)
"""Factors on the schedule, the harmless first: untried arms are played in this order."""


def arms_within(lowest: int | float, highest: int | float) -> tuple[float, ...]:
    """Return the arms within bounds; 1 always is."""
    return tuple(arm for arm in ARMS if lowest <= arm <= highest)


def _to_unit(gain: float) -> float:
    return (gain / MOST + 1) / 2


class Ucb(Shown):
    """UCB1 over the arms."""

    def __init__(self, arms: Sequence[float], exploration: int | float) -> None:
        self._arms, self._exploration = tuple(arms), exploration
        self.plays, self._totals = [0] * len(arms), [0.0] * len(arms)
        self._playing: int | None = None

    def decide(self, reading: Reading, multiplier: float) -> tuple[float, Record]:
        """Pay the arm that was played, play the next."""
        if self._playing is not None:
            self.plays[self._playing] += 1
            self._totals[self._playing] += _to_unit(reading.gain)
        self._playing = self._best()
        return self._arms[self._playing], {"action": self._arms[self._playing], "reward": reading.gain}

    def _best(self) -> int:
        if 0 in self.plays:
            return self.plays.index(0)
        spread = 2 * math.log(sum(self.plays))
        bounds = [
            total / plays + self._exploration * math.sqrt(spread / plays)
            for total, plays in zip(self._totals, self.plays, strict=True)
        ]
        return bounds.index(max(bounds))

    def begin(self) -> None:
        """Begin a stretch: the arm that was played is not paid; what was learnt stays."""
        self._playing = None

    def state_dict(self) -> dict[str, Any]:
        """Return plays, rewards and the arm being played."""
        return {"plays": list(self.plays), "totals": list(self._totals), "playing": self._playing}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self.plays, self._totals, self._playing = list(state["plays"]), list(state["totals"]), state["playing"]


class Exp3(Shown):
    """Exp3 over the arms."""

    def __init__(self, arms: Sequence[float], exploration: int | float, random: np.random.Generator) -> None:
        self._arms, self._exploration, self._random = tuple(arms), exploration, random
        self._log_weights = [0.0] * len(arms)
        self._playing: int | None = None

    @property
    def chances(self) -> list[float]:
        """The chance of every arm."""
        weights = [math.exp(weight - max(self._log_weights)) for weight in self._log_weights]
        uniform = self._exploration / len(weights)
        return [(1 - self._exploration) * weight / sum(weights) + uniform for weight in weights]

    def decide(self, reading: Reading, multiplier: float) -> tuple[float, Record]:
        """Pay the arm that was played, draw the next."""
        if self._playing is not None:
            share = _to_unit(reading.gain) / self.chances[self._playing]  # unbiased: paid more the rarer it is played
            self._log_weights[self._playing] += self._exploration * share / len(self._arms)
        chances = self.chances
        at = np.searchsorted(np.cumsum(chances), self._random.random(), side="right")
        self._playing = min(int(at), len(chances) - 1)
        arm = self._arms[self._playing]
        return arm, {"action": arm, "reward": reading.gain, "chance": chances[self._playing]}

    def begin(self) -> None:
        """Begin a stretch: the arm that was played is not paid; what was learnt stays."""
        self._playing = None

    def state_dict(self) -> dict[str, Any]:
        """Return weights, the arm being played and random state."""
        return {
            "log_weights": list(self._log_weights),
            "playing": self._playing,
            "random": random_state(self._random),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._log_weights, self._playing = list(state["log_weights"]), state["playing"]
        set_random_state(self._random, state["random"])
