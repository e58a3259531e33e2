"""Where the loss is taken: plain functions ``(examples) -> Float[batch, pos]``.

The weight at position t is that of predicting token t from the tokens before it, so position 0 never
counts. The trainer owns the one normaliser, the sum of weights over the whole step.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from maze_rl.training.examples import Examples

LossWeights = Callable[[Examples], Float[Tensor, "batch pos"]]


def all_tokens(examples: Examples) -> Float[Tensor, "batch pos"]:
    """Weigh every token of the sequence alike, the random order of the edges included; not an origin that is given."""
    weights = (examples.spans.real & ~examples.spans.given_origin).float()
    weights[:, 0] = 0.0
    return weights


def path_only(examples: Examples) -> Float[Tensor, "batch pos"]:
    """Weigh the path and its end alone: the origin unless it is given, every step, ``<PATH_END>``."""
    return examples.spans.after_path_start.float()


def path_from_first_choice(examples: Examples) -> Float[Tensor, "batch pos"]:
    """Weigh the path but for its origin, which the prompt has named already: a copy, no choice.

    The model never learns to write the origin, so rollouts give it (`maze_rl.evaluation.rollouts.origin_is_given`).
    """
    spans, layout = examples.spans, examples.spans.layout
    first = spans.answer_start[:, None] + (0 if layout.starts_at_origin else layout.tokens_per_cell)
    return (spans.after_path_start & (spans.positions >= first)).float()


def fork_weighted(weight: int | float = 4.0) -> LossWeights:
    """Weigh the moves out of forks by `weight` and the rest of the path by 1: most steps of a maze are forced."""

    def weigh(examples: Examples) -> Float[Tensor, "batch pos"]:
        return path_only(examples) * (1.0 + (weight - 1.0) * examples.forks)

    return weigh


def weighted(alpha: int | float = 0.5) -> LossWeights:
    """Weigh the path by 1 and all other tokens by `alpha`: 1 is `all_tokens`, 0 is `path_only`."""

    def weigh(examples: Examples) -> Float[Tensor, "batch pos"]:
        path = path_only(examples)
        return path + alpha * (all_tokens(examples) - path)

    return weigh
