"""Named losses: ``--loss NAME`` is a pair of where (weights) and what (targets)."""

from typing import NamedTuple

from maze_rl.configs.training import LOSSES
from maze_rl.errors import unknown_name
from maze_rl.training.loss_targets import LossTargets, next_token, optimal_set
from maze_rl.training.loss_weights import LossWeights, all_tokens, path_only


class LossFunctions(NamedTuple):
    """Where the loss is taken and what it asks for."""

    weights: LossWeights
    targets: LossTargets


NAMED_LOSSES = {
    "all": LossFunctions(all_tokens, next_token),
    "path_only": LossFunctions(path_only, next_token),
    "all_set": LossFunctions(all_tokens, optimal_set),
    "path_only_set": LossFunctions(path_only, optimal_set),
}
assert tuple(NAMED_LOSSES) == LOSSES


def loss_functions(name: str) -> LossFunctions:
    """Return the loss called `name`.

    Raises:
        UnknownNameError: There is no such loss; the message lists them.
    """
    if name not in NAMED_LOSSES:
        raise unknown_name("loss", name, NAMED_LOSSES)
    return NAMED_LOSSES[name]
