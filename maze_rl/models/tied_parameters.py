"""Modules that have the parameters of others: read there each time, or the very same objects.

A tied module reads: whatever computes or trains the parameters of its source (parametrizations, adapters) serves both,
and the parameters are listed and saved once.
"""

from functools import lru_cache

from torch import nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

_SOURCE = "tied_to"


def tie(module: nn.Module, source: nn.Module) -> None:
    """Let `module` and all inside it read their parameters from the same places of `source`."""
    for follower, leader in zip(list(module.modules()), list(source.modules()), strict=True):
        # Buffers of a follower say nothing of their own: files are the same for any number of loops.
        follower._non_persistent_buffers_set.update(follower._buffers)
        names = tuple(follower._parameters)
        if names:
            follower._parameters.clear()
            follower.__dict__[_SOURCE] = leader
            follower.__class__ = _tied_class(type(follower), names)


def is_tied(module: nn.Module) -> bool:
    """Tell whether a module reads its parameters from another."""
    return _SOURCE in module.__dict__


def source_of(module: nn.Module) -> nn.Module:
    """Return the module whose parameters `module` has: itself unless it is tied."""
    return module.__dict__.get(_SOURCE, module)


@lru_cache
def _tied_class(own: type[nn.Module], names: tuple[str, ...]) -> type[nn.Module]:
    def reader(name: str) -> property:
        return property(lambda self: getattr(self.__dict__[_SOURCE], name))

    def reduced(self: nn.Module, protocol: object) -> tuple[object, ...]:
        return _bare, (own, names), self.__dict__  # the class is made here: no other process finds it by its name

    readers: dict[str, object] = {name: reader(name) for name in names}
    return type(f"Tied{own.__name__}", (own,), readers | {"__reduce_ex__": reduced})


def _bare(own: type[nn.Module], names: tuple[str, ...]) -> nn.Module:
    """Return a tied module that has nothing yet: what copies and other processes begin with."""
    tied = _tied_class(own, names)
    return tied.__new__(tied)


def own_blocks(model: HookedTransformer) -> list[nn.Module]:
    """Return the blocks whose parameters are their own: all of a plain model, the first loop of one with loops."""
    return [block for block in model.blocks if not is_tied(block.attn)]  # type: ignore[arg-type, union-attr]


def share_parameters(module: nn.Module, source: nn.Module) -> None:
    """Give `module` the very parameters of `source`, whatever computes them included."""
    module._parameters = dict(source._parameters)  # type: ignore[assignment]
    if parametrize.is_parametrized(source):
        module.__class__ = source.__class__
        module._modules["parametrizations"] = source.parametrizations  # type: ignore[assignment]
