"""Update rules by name: the shipped ones, and classes or functions of one's own.

One's own, ``package.module:function``, is called with the options given as keyword arguments and returns an
`maze_rl.training.slots.UpdateRule`. Where it has a parameter called ``seed`` it also gets the seed of the run.
"""

from collections.abc import Callable

from maze_rl.configs.choices import Choice
from maze_rl.configs.update_rules import UPDATE_RULES
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.own_plugins import call_own
from maze_rl.training.slots import UpdateRule
from maze_rl.training.update_rules.constant_scale import ConstantScale
from maze_rl.training.update_rules.dice import DiceRoll
from maze_rl.training.update_rules.every_step import EveryStep
from maze_rl.training.update_rules.noisy_update import NoisyUpdate

SHIPPED: dict[str, Callable[..., UpdateRule]] = {
    "every_step": lambda seed: EveryStep(),
    "dice": DiceRoll,
    "scale": lambda seed, **options: ConstantScale(**options),
    "noise": lambda seed, **options: NoisyUpdate(**options),
}
"""What makes a rule of the run's seed and the options."""


def update_rule(choice: Choice, seed: int) -> UpdateRule:
    """Return the update rule that was chosen.

    Raises:
        UnknownNameError: There is no update rule of that name.
        ConfigurationError: Its settings contradict each other, or one's own cannot be imported, called or used.
    """
    if choice.own:
        return _own(choice, seed)
    if choice.name not in SHIPPED:
        raise unknown_name("update rule", choice.name, UPDATE_RULES)
    return SHIPPED[choice.name](seed, **choice.options)


def _own(choice: Choice, seed: int) -> UpdateRule:
    made = call_own("update rule", choice, seed, UPDATE_RULES)
    if not isinstance(made, UpdateRule):
        raise ConfigurationError(
            f"update rule {choice.name}: expected an object with per, apply_to and decide(moment), got {made!r}."
        )
    _check_declared(choice.name, made)
    return made


def _check_declared(name: str, rule: UpdateRule) -> None:
    if rule.per not in ("mini_batch", "step") or rule.apply_to not in ("loss", "grad", "update"):
        raise ConfigurationError(
            f"update rule {name}: per is {rule.per!r} and apply_to {rule.apply_to!r}: expected mini_batch or step, "
            "and loss, grad or update."
        )
    if rule.per == "mini_batch" and rule.apply_to == "update":
        raise ConfigurationError(
            f"update rule {name}: a mini-batch has no update of its own: per='step', or apply_to='loss'."
        )
