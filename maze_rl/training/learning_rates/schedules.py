"""Learning-rate schedules: plain functions of the step; their value is a factor on the peak rate.

Each is called with the steps taken before this one (0-based), the steps of the whole stretch and those of its warm-up.
Sources: cosine, Loshchilov and Hutter 2017 (arXiv 1608.03983); warm-up, stable, decay, Hu et al. 2024 (arXiv
2404.06395); its square-root shape, Hägele et al. 2024 (arXiv 2405.18392).
"""

import math
from collections.abc import Callable

Schedule = Callable[[int, int, int], int | float]
"""(step, steps, warmup_steps) -> factor on the peak rate, 0 or above."""


def constant(step: int, steps: int, warmup_steps: int) -> float:
    """Rise linearly over the warm-up, then stay at 1."""
    return min(1.0, (step + 1) / max(warmup_steps, 1))


def warmup_cosine(step: int, steps: int, warmup_steps: int) -> float:
    """Rise linearly over the warm-up, then fall along half a cosine to 0 after the last step."""
    return constant(step, steps, warmup_steps) * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def linear(step: int, steps: int, warmup_steps: int) -> float:
    """Rise linearly over the warm-up, and fall along a line from 1 at the first step to 0 after the last."""
    return constant(step, steps, warmup_steps) * (1.0 - step / steps)


def wsd(step: int, steps: int, warmup_steps: int, decay: float = 0.2, shape: str = "linear") -> float:
    """Rise linearly over the warm-up, stay at 1, then fall to 0 over the last share of the steps.

    Args:
        step: Steps taken before this one.
        steps: Steps of the stretch.
        warmup_steps: Steps of the warm-up.
        decay: Share of the steps that the fall takes, 0 to 1.
        shape: With x the share of the fall that is done, `linear` is 1 - x and `sqrt` is 1 - sqrt(x).
    """
    start = steps - round(decay * steps)
    done = (step - start) / (steps - start) if step > start else 0.0
    return constant(step, steps, warmup_steps) * (1.0 - (math.sqrt(done) if shape == "sqrt" else done))


SCHEDULE_FUNCTIONS: dict[str, Callable[..., float]] = {
    "warmup_cosine": warmup_cosine,
    "constant": constant,
    "linear": linear,
    "wsd": wsd,
}
"""The shipped schedules by name; options are keyword arguments."""
