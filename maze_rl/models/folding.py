"""Fold parametrized weights into plain ones: the same function under stock `HookedTransformer` keys.

A fresh plain model is filled with the values the parametrizations compute, adapters included. (Removing
parametrizations from a deep copy instead would break the original: both share the class torch made for them.)
What no plain weight can hold (see `maze_rl.configs.folding`) stays: the copy has the same flags.
"""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from maze_rl.displays.short_repr import Shown
from maze_rl.models.build import MazeTransformer, build_model


@dataclass(frozen=True)
class ParameterCounts(Shown):
    """How many numbers a model has."""

    trained: int
    """What the optimizer changes."""
    folded: int
    """What is left to train after folding: those of the plain model."""


def folded_copy(model: MazeTransformer) -> MazeTransformer:
    """Return a plain model that computes what `model` does; the live model and its optimizer stay as they are."""
    plain = plain_twin(model)
    plain.load_state_dict({name: value_of(model, name) for name in plain.state_dict()})
    plain.about = model.about
    return plain.eval()


def plain_twin(model: MazeTransformer) -> MazeTransformer:
    """Return a fresh model of the same architecture without parametrizations."""
    config = replace(model.maze_config, embedding="free", unembedding="all", parametrizations=())
    return build_model(config, model.tokenization, device=model.cfg.device or "cpu", dtype=model.cfg.dtype)


def parameter_counts(model: MazeTransformer) -> ParameterCounts:
    """Count what is trained now, and what a plain model of this architecture trains."""
    return ParameterCounts(_trained(model), _trained(plain_twin(model)))


def _trained(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def value_of(model: nn.Module, name: str) -> Tensor:
    """Return a plain model's tensor, computed where a parametrization computes it."""
    module, _, tensor = name.rpartition(".")
    return getattr(model.get_submodule(module), tensor).detach()
