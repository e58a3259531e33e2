"""A learning rate learnt by Q-learning: what to multiply it by, given how training goes.

State: half of the run x whether the loss falls, stands or rises (in units of its noise) x where the factor stands x
whether gradients grow x whether the loss jumped: 120 words, of which a run visits a dozen or two. Action: multiply the
factor on the schedule by 1/2, 1/sqrt(2), 1, sqrt(2) or 2; where nothing speaks for another, keep it.

Reward, paid at the next decision, when the action has had its effect: the gain of
`maze_rl.training.learning_rates.interval` less the usual gain (a running mean; the differential reward of Sutton and
Barto 2018, section 10.3). Without that, whatever is tried while the loss falls looks good; with it, the table's 0
means "as usual".

The idea of a Q-learning agent for the learning rate is that of "Adaptive Learning Rates for Transformers via
Q-Learning" (The AI Scientist, 2024), whose agent never reached the optimizer: see `ai_scientist`. Its state, reward
and actions are our own here.
"""

import math
from typing import Any

from maze_rl.displays.short_repr import Shown
from maze_rl.training.learning_rates.interval import Reading
from maze_rl.training.learning_rates.q_table import QTable
from maze_rl.training.slots import Record

FACTORS = (0.5, 1 / math.sqrt(2.0), 1.0, math.sqrt(2.0), 2.0)
"""What an action multiplies the factor by."""
KEEP = FACTORS.index(1.0)
_TREND = 4.0
"""A gain beyond this many noises is a trend."""
_GROWTH = 1.5
"""Gradient norms grow when their mean is this many times what it was."""
_HEIGHTS = (-1.75, -0.25, 0.25, 1.75)
"""Borders between the bins of log2(factor); 1 is alone in the middle one."""
_MIX = 0.02
"""Weight of the newest gain in the usual one."""


def state_of(reading: Reading, multiplier: float) -> str:
    """Return the word for a state, e.g. ``early falling 3 calm``."""
    part = "early" if reading.progress < 0.5 else "late"
    trend = "falling" if reading.gain > _TREND else "rising" if reading.gain < -_TREND else "level"
    height = sum(math.log2(multiplier) > border for border in _HEIGHTS)
    mood = "jumping" if reading.unstable else "calm"
    return f"{part} {trend} {height} {mood}{' growing' if reading.gradient_ratio > _GROWTH else ''}"


class QLearning(Shown):
    """The policy; acts through a `QTable` of five actions."""

    def __init__(self, table: QTable) -> None:
        self.table = table
        self._usual: float | None = None

    def decide(self, reading: Reading, multiplier: float) -> tuple[float, Record]:
        """Pay the last action, choose the next."""
        state, reward = state_of(reading, multiplier), self._reward(reading.gain) if self.table.waits else 0.0
        self.table.learn(reward, state)
        epsilon = self.table.epsilon
        action = self.table.act(state)
        noted = {"state": state, "action": FACTORS[action], "reward": reward, "epsilon": epsilon}
        return multiplier * FACTORS[action], noted

    def _reward(self, gain: float) -> float:
        usual = gain if self._usual is None else self._usual
        self._usual = usual + _MIX * (gain - usual)
        return gain - usual

    def begin(self) -> None:
        """Begin a stretch: the last action is not paid; what was learnt stays."""
        self.table.begin()

    def state_dict(self) -> dict[str, Any]:
        """Return the table's state and the usual gain."""
        return {"table": self.table.state_dict(), "usual": self._usual}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self.table.load_state_dict(state["table"])
        self._usual = state["usual"]
