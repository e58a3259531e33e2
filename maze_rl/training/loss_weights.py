"""Where the loss is taken: plain functions ``(spans) -> Float[batch, pos]``.

The weight at position t is that of predicting token t from the tokens before it, so position 0 never
counts. The trainer owns the one normaliser, the sum of weights over the whole step.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from maze_rl.tokenization.spans import TokenSpans

LossWeights = Callable[[TokenSpans], Float[Tensor, "batch pos"]]


def all_tokens(spans: TokenSpans) -> Float[Tensor, "batch pos"]:
    """Weigh every token of the sequence alike, the random order of the edges included."""
    weights = spans.real.float()
    weights[:, 0] = 0.0
    return weights


def path_only(spans: TokenSpans) -> Float[Tensor, "batch pos"]:
    """Weigh the path and its end alone: the origin, every step, ``<PATH_END>``."""
    return spans.after_path_start.float()
