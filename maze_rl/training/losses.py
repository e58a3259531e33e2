"""Named losses: ``--loss NAME`` is a pair of where (weights) and what (targets)."""

from collections.abc import Callable
from typing import NamedTuple

from maze_rl.configs.choices import read_choice
from maze_rl.configs.losses import LOSSES
from maze_rl.errors import ConfigurationError
from maze_rl.own_plugins import call_own
from maze_rl.training.loss_targets import LossTargets, graded, next_token, optimal_set
from maze_rl.training.loss_weights import (
    LossWeights,
    all_tokens,
    fork_weighted,
    path_from_first_choice,
    path_only,
    weighted,
)


class LossFunctions(NamedTuple):
    """Where the loss is taken and what it asks for."""

    weights: LossWeights
    targets: LossTargets


NAMED_LOSSES: dict[str, Callable[..., LossFunctions]] = {
    "all": lambda: LossFunctions(all_tokens, next_token),
    "path_only": lambda: LossFunctions(path_only, next_token),
    "path_from_first_choice": lambda: LossFunctions(path_from_first_choice, next_token),
    "fork_weighted": lambda weight: LossFunctions(fork_weighted(weight), next_token),
    "weighted": lambda alpha: LossFunctions(weighted(alpha), next_token),
    "all_set": lambda: LossFunctions(all_tokens, optimal_set),
    "path_only_set": lambda: LossFunctions(path_only, optimal_set),
    "graded": lambda g: LossFunctions(path_only, graded(g)),
}


def loss_functions(name: str) -> LossFunctions:
    """Return the loss called `name`: one of `LOSSES`, with options as in ``weighted:0.3``, or one's own.

    One's own, ``package.module:function``, is called with its options and returns (weights, targets), two functions.

    Raises:
        UnknownNameError: There is no such loss; the message lists them.
        ConfigurationError: One's own cannot be imported or returns something else.
    """
    choice = read_choice("loss", LOSSES, name)
    if not choice.own:
        return NAMED_LOSSES[choice.name](**choice.options)
    found = call_own("loss", choice, known=LOSSES)
    if not (isinstance(found, tuple) and len(found) == 2 and all(map(callable, found))):
        raise ConfigurationError(f"loss {name}: expected (weights, targets), two functions, got {found!r}.")
    return LossFunctions(*found)
