"""The named learning-rate schedules and controllers, and the options each takes.

Their code is in `maze_rl.training.learning_rates`. A schedule is a function of the step alone; a controller multiplies
it by a factor which it learns, draws or decides while training.
"""

from collections.abc import Mapping

from maze_rl.configs.choices import Known, count, flag, number, one_of
from maze_rl.configs.options import Option, is_share

SCHEDULES: Known = {
    "warmup_cosine": {},
    "constant": {},
    "linear": {},
    "wsd": {
        "decay": Option(0.2, is_share, "the share of the steps over which the rate falls to 0, 0 to 1"),
        "shape": one_of("linear", "sqrt"),
    },
}
"""Every one rises linearly over the warm-up first."""

_EVERY: Mapping[str, Option] = {"every": count(8)}
_BOUNDS: Mapping[str, Option] = {
    "lowest": number(1 / 16, 1e-6, 1, "the smallest factor on the schedule, above 0 and at most 1"),
    "highest": number(16.0, 1, 1e6, "the largest factor on the schedule, at least 1"),
}
_Q_LEARNING: Mapping[str, Option] = {
    **_EVERY,
    "discount": Option(0.9, is_share, "the worth of a reward one decision later, 0 to 1"),
    "rate": Option(0.1, is_share, "the share of an error that the table learns at once, 0 to 1"),
    "trace": Option(0.5, is_share, "lambda: how far rewards reach back to earlier decisions, 0 to 1"),
    "epsilon": Option(0.1, is_share, "the share of random decisions at first, 0 to 1"),
    "epsilon_end": Option(0.02, is_share, "the share of random decisions it falls to, 0 to 1"),
    "epsilon_decay": Option(0.97, is_share, "what epsilon is multiplied by after a decision, 0 to 1"),
    **_BOUNDS,
}
_ORIGINAL: Mapping[str, Option] = {
    "every": count(250),
    "applied": flag(False),
    "floor": number(1e-4, 0, 1, "the smallest learning rate, 0 to 1"),
}

CONTROLLERS: Known = {
    "none": {},
    "q_learning": {**_Q_LEARNING, "applied": flag(True)},
    "sham": _Q_LEARNING,
    "ucb": {**_EVERY, "exploration": number(1.0, 0, 1e6, "the weight of what is uncertain, at least 0"), **_BOUNDS},
    "exp3": {**_EVERY, "exploration": Option(0.1, is_share, "the share of uniform choices, 0 to 1"), **_BOUNDS},
    "random": {**_EVERY, **_BOUNDS},
    "plateau": {
        "patience": count(10, 0),
        "factor": number(0.5, 1e-6, 1, "what the rate is multiplied by on a plateau, above 0 and at most 1"),
        "threshold": number(1e-3, 0, 1, "the relative fall of the loss that counts, 0 to 1"),
        **_EVERY,
        "lowest": _BOUNDS["lowest"],
    },
    "ai_scientist_run1": _ORIGINAL,
    "ai_scientist_run2": _ORIGINAL,
    "ai_scientist_run3": _ORIGINAL,
    "ai_scientist_run4": _ORIGINAL,
}
"""`every` counts steps between decisions; `patience` counts decisions. `sham` decides like `q_learning`, unapplied."""
