"""Register the parametrizations a configuration names, in its order.

What they draw at the start comes from streams of their own, so the plain weights below are those of the plain model.
A method of one's own is a function ``(model, **options)`` that registers torch parametrizations on the model's
parameters; what it draws from torch's global state is seeded and leaves no trace.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformer_lens import HookedTransformer

from maze_rl.configs.choices import Choice
from maze_rl.configs.parametrizations import PARAMETRIZATIONS, read_parametrizations
from maze_rl.models.parametrizations.networks_of_weights import predict_alone
from maze_rl.models.parametrizations.predicted_weights import predict_weights
from maze_rl.models.parametrizations.residual_scaling import scale_residuals
from maze_rl.models.parametrizations.unified_embeddings import unify_embeddings
from maze_rl.models.parametrizations.unified_weights import unify_weights
from maze_rl.models.parametrizations.value_affine import add_value_affine
from maze_rl.models.random_streams import torch_seed
from maze_rl.own_plugins import call_own


def parametrize_model(model: HookedTransformer, parametrizations: Sequence[str], seed: int) -> None:
    """Change how the model's weights are computed.

    Args:
        model: A plain model; changed in place.
        parametrizations: As in `maze_rl.configs.model.ModelConfig`.
        seed: Seed of what the methods draw.

    Raises:
        ConfigurationError: A method of one's own cannot be imported or called; says why.
    """
    for choice in read_parametrizations(parametrizations):
        options: dict[str, Any] = dict(choice.options)
        if choice.own:
            _call_own(model, choice, seed)
        elif choice.name == "unified_embeddings":
            unify_embeddings(model, seed, **options)
        elif choice.name == "unified_weights":
            _unify_weights(model, seed, **options)
        elif choice.name == "residual_scaling":
            scale_residuals(model, **options)
        else:
            assert choice.name == "value_affine", choice
            add_value_affine(model)


def _unify_weights(model: HookedTransformer, seed: int, version: str, parts: str | None, expansion: int) -> None:
    named = parts or ("multiply" if version == "v5" else "output")
    if version == "v1":
        unify_weights(model, named)
    elif version == "v6":
        predict_weights(model, seed, named, expansion)
    else:
        predict_alone(model, seed, version, named, expansion)


def _call_own(model: HookedTransformer, choice: Choice, seed: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "parametrization", choice.name))
        call_own("parametrization", choice, known=PARAMETRIZATIONS, model=model)
