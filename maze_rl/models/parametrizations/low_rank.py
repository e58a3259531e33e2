"""LoRA: adapters W + (alpha / rank) A B on the six matrices of every block, all else frozen.

Hu et al. (2021), LoRA: Low-Rank Adaptation of Large Language Models; here for rows as inputs, W [input, output],
A [input, rank] from N(0, 1 / inputs) and B [rank, output] = 0, so that the logits at the start are those of the base
model bit for bit. The heads of an attention weight form one matrix between the residual stream and all heads, which
gets one pair of factors: the rank is that of the whole matrix, not of each head.

An adapter changes the parameter itself, below whatever other parametrization the weight has: merging is exact always.
A checkpoint of a model with adapters is loaded into a model that got adapters of the same rank first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError
from maze_rl.models.parametrizations.matrix_sides import block_weights, from_matrix, side_shape
from maze_rl.models.random_streams import torch_generator
from maze_rl.models.weights_once import weights_anew

_FROZEN = "frozen_for_adapters"
_ORDER = "order_before_adapters"


class LowRank(nn.Module):
    """Adds a matrix of low rank to a weight while `enabled`."""

    def __init__(self, name: str, weight: Tensor, rank: int, alpha: int | float, generator: torch.Generator) -> None:
        super().__init__()
        self.enabled = True
        self._name, self._shape, self._scale = name, tuple(weight.shape), alpha / rank
        inputs = torch.Size(side_shape(name, weight.shape, "input")).numel()
        outputs = weight.numel() // inputs
        down = torch.randn(inputs, rank, generator=generator) * inputs**-0.5
        self.A = nn.Parameter(down.to(weight.device, weight.dtype))
        self.B = nn.Parameter(torch.zeros(rank, outputs, dtype=weight.dtype, device=weight.device))

    def change(self) -> Tensor:
        """Return (alpha / rank) A B in the shape of the weight."""
        return from_matrix(self._name, self._scale * (self.A @ self.B), self._shape)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight, changed while enabled."""
        return weight + self.change() if self.enabled else weight


def add_adapters(model: HookedTransformer, rank: int, alpha: int | float | None = None, seed: int = 0) -> None:
    """Give every block adapters, and freeze all other parameters.

    Args:
        model: Changed in place; the logits are not.
        rank: Rank of the change of each matrix, 1 to d_model.
        alpha: The change is scaled by alpha / rank; None for twice the rank.
        seed: Seed of A.

    Raises:
        ConfigurationError: The rank is out of range, or the model has adapters.
    """
    if _adapters(model):
        raise ConfigurationError("the model has adapters already: merge them before adding others.")
    if not 1 <= rank <= model.cfg.d_model:
        raise ConfigurationError(f"the rank of adapters is {rank}: expected 1 to d_model, {model.cfg.d_model}.")
    frozen = [parameter for parameter in model.parameters() if parameter.requires_grad]
    generator = torch_generator(seed, "adapters")
    sites = list(block_weights(model))
    for module in dict.fromkeys(module for module, _ in sites):
        _own_class(module)
    for module, name in sites:
        plain = _original(module, name)
        _put_first(module, name, LowRank(name, plain, rank, 2 * rank if alpha is None else alpha, generator))
    for parameter in frozen:
        parameter.requires_grad_(False)
    setattr(model, _FROZEN, frozen)


@contextmanager
def adapters_enabled(model: HookedTransformer, on: bool) -> Iterator[None]:
    """Within, switch all adapters on or off; off is the base model exactly. Works inside `weights_once` too."""
    adapters = _adapters(model)
    before = [adapter.enabled for adapter in adapters]
    for adapter in adapters:
        adapter.enabled = on
    try:
        with weights_anew(model):
            yield
    finally:
        for adapter, enabled in zip(adapters, before, strict=True):
            adapter.enabled = enabled


@torch.no_grad()
def merge_adapters(model: HookedTransformer) -> None:
    """Add the adapters to the weights, remove them, and let train what was frozen for them.

    The parameters are those there were before, in the same order; copies of the model keep their adapters.

    Raises:
        ConfigurationError: The model has no adapters.
    """
    if not _adapters(model):
        raise ConfigurationError("the model has no adapters to merge.")
    for module in dict.fromkeys(module for module, _ in block_weights(model)):
        adapted = [name for name, chain in module.parametrizations.items() if isinstance(chain[0], LowRank)]  # type: ignore
        originals = {name: _take_first(module, name) for name in adapted}
        # The class from before: its copies may share this one, so nothing is deleted from it.
        module.__class__ = type(module).__bases__[0]
        if not module.parametrizations:  # type: ignore[truthy-function]
            del module.parametrizations
        order = getattr(module, _ORDER)
        delattr(module, _ORDER)
        module._parameters.update({name: original for name, original in originals.items() if name in order})
        module._parameters = {name: module._parameters[name] for name in order}
    for parameter in getattr(model, _FROZEN):
        parameter.requires_grad_(True)
    delattr(model, _FROZEN)


def adapter_parameters(model: HookedTransformer) -> int:
    """Return how many numbers the adapters hold: rank (inputs + outputs) for every matrix; 0 without adapters."""
    return sum(parameter.numel() for adapter in _adapters(model) for parameter in adapter.parameters())


def _adapters(model: HookedTransformer) -> list[LowRank]:
    return [module for module in model.modules() if isinstance(module, LowRank)]


def _original(module: nn.Module, name: str) -> Tensor:
    if parametrize.is_parametrized(module, name):
        return module.parametrizations[name].original  # type: ignore[index, return-value, union-attr]
    return getattr(module, name)


def _own_class(module: nn.Module) -> None:
    """Keep what `torch` will add to the module's class from the copies of the model that share the class."""
    setattr(module, _ORDER, tuple(module._parameters))
    if parametrize.is_parametrized(module):
        module.__class__ = type(type(module).__name__, (type(module),), {})


def _put_first(module: nn.Module, name: str, adapter: LowRank) -> None:
    if parametrize.is_parametrized(module, name):
        module.parametrizations[name].insert(0, adapter)  # type: ignore[index, operator, union-attr]
    else:
        parametrize.register_parametrization(module, name, adapter)


def _take_first(module: nn.Module, name: str) -> nn.Parameter:
    """Merge the adapter of a weight into its parameter and remove it; return the parameter."""
    chain: Any = module.parametrizations[name]  # type: ignore[index]
    chain.original += chain[0].change()
    original = chain.original
    del chain[0]
    if not len(chain):
        del module.parametrizations[name]  # type: ignore[arg-type, union-attr]
    return original
