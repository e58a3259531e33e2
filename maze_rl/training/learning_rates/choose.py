"""Schedules and controllers by name: the shipped ones, and functions of one's own.

One's own schedule is a function ``(step, steps, warmup_steps, **options) -> float``; one's own controller is made by a
function ``(**options) -> Controller``, which also gets the run's `seed` if it has a parameter of that name.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from maze_rl.configs.choices import Choice, read_choice
from maze_rl.configs.learning_rates import CONTROLLERS, SCHEDULES
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.own_plugins import call_own, import_own
from maze_rl.seeding import numpy_generator
from maze_rl.training.learning_rates.ai_scientist import RULES, AiScientist, OriginalAgent
from maze_rl.training.learning_rates.bandits import Exp3, Ucb, arms_within
from maze_rl.training.learning_rates.interval_controller import IntervalController, Policy
from maze_rl.training.learning_rates.plateau import Plateau
from maze_rl.training.learning_rates.q_learning import FACTORS, KEEP, QLearning
from maze_rl.training.learning_rates.q_table import QTable
from maze_rl.training.learning_rates.random_walk import RandomWalk
from maze_rl.training.learning_rates.safety import DivergenceGuard
from maze_rl.training.learning_rates.schedules import SCHEDULE_FUNCTIONS, Schedule
from maze_rl.training.slots import Controller

Options = Mapping[str, Any]
_TABLE = ("discount", "rate", "trace", "epsilon", "epsilon_end", "epsilon_decay")


def schedule(choice: Choice) -> Schedule:
    """Return the schedule of a choice, its options filled in.

    Raises:
        UnknownNameError: There is no schedule of that name.
        ConfigurationError: A function of one's own cannot be imported; or, when called, returns no factor.
    """
    if not choice.own:
        if choice.name not in SCHEDULE_FUNCTIONS:
            raise unknown_name("schedule", choice.name, SCHEDULES)
        return partial(SCHEDULE_FUNCTIONS[choice.name], **choice.options)
    function = import_own("schedule", choice.name, SCHEDULES)

    def checked(step: int, steps: int, warmup_steps: int) -> float:
        try:
            value = function(step, steps, warmup_steps, **choice.options)
        except Exception as error:  # somebody else's code: name it, and say what it said
            raise ConfigurationError(f"schedule {choice.name}: {type(error).__name__}: {error}") from error
        if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
            raise ConfigurationError(f"schedule {choice.name}: expected a factor of 0 or above, got {value!r}.")
        return float(value)

    return checked


def controller_called(text: str, seed: int = 0) -> Controller | None:
    """Return the controller that people write as `text`, e.g. ``q_learning:every=20``; None for ``none``.

    Raises:
        MazeRLError: As `controller`; or the text cannot be read.
    """
    return controller(read_choice("learning-rate controller", CONTROLLERS, text), seed)


def controller(choice: Choice, seed: int) -> Controller | None:
    """Return the controller of a choice; None for ``none``.

    Those that can raise the learning rate are guarded against divergence; shams and the classical plateau are not.

    Raises:
        UnknownNameError: There is no controller of that name.
        ConfigurationError: A function of one's own cannot be imported, or makes something else.
    """
    if choice.own:
        return _own_controller(choice, seed)
    if choice.name not in CONTROLLERS:
        raise unknown_name("controller", choice.name, CONTROLLERS)
    if choice.name == "none":
        return None
    options: dict[str, Any] = {
        **choice.options,
        "applied": choice.name != "sham" and choice.options.get("applied", True),
    }
    if choice.name in RULES:
        agent = OriginalAgent(RULES[choice.name], options["floor"], numpy_generator(seed, choice.name))
        made: Controller = AiScientist(agent, options["every"], options["applied"])
        return DivergenceGuard(made) if options["applied"] else made
    lowest, highest = options["lowest"], options.get("highest", 1.0)
    policy = POLICIES[choice.name](options, seed)
    made = IntervalController(policy, options["every"], lowest, highest, options["applied"])
    guarded = options["applied"] and choice.name != "plateau"
    return DivergenceGuard(made, lowest=lowest, highest=highest) if guarded else made


def _q_learning(options: Options, seed: int) -> Policy:
    random = numpy_generator(seed, "q_learning")
    return QLearning(QTable(len(FACTORS), KEEP, random, **{name: options[name] for name in _TABLE}))


def _ucb(options: Options, seed: int) -> Policy:
    return Ucb(arms_within(options["lowest"], options["highest"]), options["exploration"])


def _exp3(options: Options, seed: int) -> Policy:
    arms = arms_within(options["lowest"], options["highest"])
    return Exp3(arms, options["exploration"], numpy_generator(seed, "exp3"))


def _random(options: Options, seed: int) -> Policy:
    return RandomWalk(numpy_generator(seed, "random_walk"))


def _plateau(options: Options, seed: int) -> Policy:
    return Plateau(options["patience"], options["factor"], options["threshold"])


POLICIES: dict[str, Callable[[Options, int], Policy]] = {
    "q_learning": _q_learning,
    "sham": _q_learning,
    "ucb": _ucb,
    "exp3": _exp3,
    "random": _random,
    "plateau": _plateau,
}
"""What decides, by the name of the controller."""


def _own_controller(choice: Choice, seed: int) -> Controller:
    made = call_own("controller", choice, seed, CONTROLLERS)
    if isinstance(made, type) or not isinstance(made, Controller):
        raise ConfigurationError(
            f"controller {choice.name}: expected an object with multiplier() and observe(outcome), got {made!r}."
        )
    return made
