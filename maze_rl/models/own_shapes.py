"""A model of one's own, of any shape, as its files tell it: the fields of its `HookedTransformerConfig`."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.attached_tokenization import about_of, tokenization_of
from maze_rl.models.build import MazeTransformer, build_bare
from maze_rl.tokenization.tokenization import Tokenization

_NOT_KEPT = {
    "device",
    "n_devices",
    "dtype",  # kept beside the shape, by name
    "seed",
    "init_weights",
    "n_params",
    "tokenizer_name",
    "tokenizer_prepends_bos",
    "trust_remote_code",
}
"""Fields that say where a model is, how it began, or what follows from the others."""


def describe_own(model: HookedTransformer) -> dict[str, Any]:
    """Return what files say of a model's shape."""
    kept = (each for each in fields(model.cfg) if each.name not in _NOT_KEPT)
    shape = {each.name: getattr(model.cfg, each.name) for each in kept if _is_told(each, model.cfg)}
    return {"hooked_transformer": shape, "dtype": str(model.cfg.dtype).removeprefix("torch.")}


def _is_told(field: Any, cfg: object) -> bool:
    return field.default is MISSING or getattr(cfg, field.name) != field.default


def build_own(
    description: Mapping[str, Any], tokenization: Tokenization, weights: Mapping[str, Tensor]
) -> MazeTransformer:
    """Return the model that `describe_own` described, with its weights.

    Raises:
        CheckpointError: The weights do not fit the shape.
    """
    shape = description["hooked_transformer"] | {"dtype": getattr(torch, description["dtype"])}
    model = build_bare(shape, tokenization)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit the model described beside them: {error}") from error
    return model


def own_weights(model: HookedTransformer) -> dict[str, Tensor]:
    """Return a model's tensors, each in memory of its own: files refuse two names for one piece of memory.

    Raises:
        ConfigurationError: They and the configuration do not make this model: it has hooks or parts of its own.
    """
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    tokenization = tokenization_of(model)
    tokens = tokenization.encode(generate(2, num=4)).tokens
    try:
        rebuilt = build_own(describe_own(model), tokenization, weights).to(model.W_E.device, print_details=False)
        with torch.no_grad():
            expected, found = (each(tokens.to(model.W_E.device)).double() for each in (model, rebuilt))
        same = torch.allclose(found, expected, rtol=1e-2, atol=1e-3 * float(expected.abs().max()))
    except (CheckpointError, RuntimeError):
        same = False
    if not same:
        raise ConfigurationError(
            f"{about_of(model).get('name', 'this model')}: its weights in a HookedTransformer of its configuration "
            "compute something else (hooks, or parts of its own), so files cannot hold it: use it as an object, or "
            "remove the hooks (model.reset_hooks(including_permanent=True))."
        )
    return weights
