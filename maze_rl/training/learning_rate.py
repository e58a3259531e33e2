"""Learning-rate schedules: plain functions from progress to a multiplier of the peak rate."""

import math
from collections.abc import Callable

from maze_rl.configs.training import TrainingConfig

Schedule = Callable[[int, TrainingConfig], float]


def constant(step: int, config: TrainingConfig) -> float:
    """Rise linearly over the warm-up, then stay at 1."""
    return min(1.0, (step + 1) / max(config.warmup_steps, 1))


def warmup_cosine(step: int, config: TrainingConfig) -> float:
    """Rise linearly over the warm-up, then fall along half a cosine to 0 after the last step."""
    return constant(step, config) * 0.5 * (1.0 + math.cos(math.pi * step / config.steps))


SCHEDULE_FUNCTIONS: dict[str, Schedule] = {"constant": constant, "warmup_cosine": warmup_cosine}
