"""Lower the rate when the held-out loss has stopped falling, as torch's ReduceLROnPlateau does."""

import math
from typing import Any

from maze_rl.displays.short_repr import Shown
from maze_rl.training.learning_rates.interval import Reading
from maze_rl.training.slots import Record


class Plateau(Shown):
    """The policy: after more than `patience` decisions without a fall by `threshold`, multiply by `factor`."""

    def __init__(self, patience: int, factor: int | float, threshold: int | float) -> None:
        """Start with no loss known.

        Args:
            patience: Decisions without a fall that are borne.
            factor: What the rate is multiplied by then.
            threshold: Relative fall of the loss that counts as one, 0 to 1.
        """
        self._patience, self._factor = patience, factor
        self._fall = math.log1p(-threshold) if threshold < 1 else -math.inf  # levels are logarithms
        self._best: float | None = None
        self._bad = 0

    def decide(self, reading: Reading, multiplier: float) -> tuple[float, Record]:
        """Compare the level with the best so far."""
        if self._best is None or reading.level < self._best + self._fall:
            self._best, self._bad = reading.level, 0
        else:
            self._bad += 1
        action = 1.0
        if self._bad > self._patience:
            action, self._bad = float(self._factor), 0
        return multiplier * action, {"action": action, "level": reading.level, "best": self._best}

    def begin(self) -> None:
        """Begin a stretch: its loss is another one, so that no level is known."""
        self._best, self._bad = None, 0

    def state_dict(self) -> dict[str, Any]:
        """Return the best level and how long ago it was."""
        return {"best": self._best, "bad": self._bad}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`."""
        self._best, self._bad = state["best"], state["bad"]
