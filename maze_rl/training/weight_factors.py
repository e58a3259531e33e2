"""Factors on the weights of any loss: functions ``(model, examples) -> Float[batch, pos]`` with values from 0 to 1."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.choices import read_choice
from maze_rl.configs.losses import FACTORS
from maze_rl.models.readout import logits_at, predictable_words
from maze_rl.own_plugins import call_own
from maze_rl.training.examples import Examples
from maze_rl.training.model_inputs import model_inputs

WeightFactor = Callable[[HookedTransformer, Examples], Float[Tensor, "batch pos"]]


def within_reach(per_loop: int | float = 1.0) -> WeightFactor:
    """Leave out moves whose target is further than the step's loops can carry: ``per_loop * loops + 1`` steps.

    Outside a step that drew its loops (validation, plain models) all moves count.
    """

    def weigh(model: HookedTransformer, examples: Examples) -> Float[Tensor, "batch pos"]:
        if examples.loops is None:
            return torch.ones(examples.tokens.shape)
        return (examples.remaining <= per_loop * examples.loops + 1).float()

    return weigh


def auto_curriculum(beyond: int = 5) -> WeightFactor:
    """Leave out what lies more than `beyond` moves behind the model's first wrong one on its path.

    The moves a model gets wrong now are asked for together with the few that follow (Darlow et al. 2025, Continuous
    Thought Machines, arXiv 2505.05522, section 4.1). A forward pass without gradient finds the first wrong one.
    """

    def weigh(model: HookedTransformer, examples: Examples) -> Float[Tensor, "batch pos"]:
        asked = (examples.remaining >= 0).float()
        wrong = _wrong(model, examples, asked)
        length = asked.shape[1]
        segments, position = examples.spans.segments, torch.arange(length)
        first = torch.full((len(asked), int(segments.max()) + 1), length)
        first.scatter_reduce_(1, segments, torch.where(wrong, position, length), "amin")
        tokens = beyond * examples.spans.layout.tokens_per_step
        return (position <= first.gather(1, segments) + tokens).float()

    return weigh


@torch.no_grad()
def _wrong(model: HookedTransformer, examples: Examples, asked: Float[Tensor, "batch pos"]) -> Tensor:
    """Return Bool[batch, pos]: the tokens asked for that the model gets wrong."""
    device, words = model.cfg.device, predictable_words(model)
    read = model_inputs(examples.spans, asked[:, 1:])
    logits = logits_at(
        model,
        read.tokens.to(device),
        read.chosen.to(device),
        segments=None if read.segments is None else read.segments.to(device),
        loops=examples.loops,
        words=words,
    )
    best = logits.argmax(dim=-1)
    best = (best if words is None else words[best]).cpu()
    chosen = asked[:, 1:] != 0
    right = (best[:, None] == examples.optimal[:, 1:][chosen]).any(dim=-1)
    wrong = torch.zeros(asked.shape, dtype=torch.bool)
    wrong[:, 1:][chosen] = ~right
    return wrong


NAMED_FACTORS: dict[str, Callable[..., WeightFactor]] = {
    "within_reach": within_reach,
    "auto_curriculum": auto_curriculum,
}


def weight_factor(text: str) -> WeightFactor:
    """Return the factor people write as `text`: one of `FACTORS`, or ``package.module:function`` that returns one.

    Raises:
        UnknownNameError: There is no such factor; the message lists them.
        ConfigurationError: One's own cannot be imported or called.
    """
    choice = read_choice("weight factor", FACTORS, text)
    if choice.own:
        return call_own("weight factor", choice, known=FACTORS)
    return NAMED_FACTORS[choice.name](**choice.options)
