"""Weights that are computed from parameters, computed once for many forward passes.

Joined attention weights and parametrized (e.g. factored) ones are functions of the parameters alone. While the
gradients of several micro-batches add up the parameters stand still: so the functions are evaluated once, the
micro-batches' gradients gather on their values, and one backward pass takes the sum on to the parameters.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from maze_rl.models.fused_attention import FusedAttention
from maze_rl.models.parametrizations.predicted_weights import SharedNetwork
from maze_rl.models.tied_parameters import is_tied


@contextmanager
def weights_once(model: nn.Module) -> Iterator[list[Tensor]]:
    """Within, compute such weights once; on leaving, pass the gradient they gathered on to the parameters.

    Gives the leaves that stand for those that are trained: their ``grad`` is what is passed on.

    The parameters must not change within, and their gradients are complete only afterwards.
    """
    functions = _weight_functions(model)
    held = []
    try:
        for module, name in functions:
            held.append(_hold(module, name))
        yield [leaf for _, leaf in held if leaf.requires_grad]
        for value, leaf in reversed(held):
            if leaf.grad is not None:
                value.backward(leaf.grad)
    finally:
        for module, name in functions[: len(held)]:
            delattr(module, name)  # uncovers the method of the class


@contextmanager
def weights_anew(model: nn.Module) -> Iterator[None]:
    """Within, compute all weights again, even inside `weights_once`: for when the functions themselves change."""
    covered = [
        (module, name, vars(module).pop(name)) for module, name in _weight_functions(model) if name in vars(module)
    ]
    try:
        yield
    finally:
        for module, name, cover in covered:
            setattr(module, name, cover)


def _weight_functions(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """List the methods that compute weights, each after those it may be made of."""
    modules = list(model.modules())  # walked through once: with its loops a model has a thousand
    networks = [module for module in modules if isinstance(module, SharedNetwork)]
    parametrized = [module for module in modules if isinstance(module, ParametrizationList)]
    attentions = [module for module in modules if isinstance(module, FusedAttention) and not is_tied(module)]
    functions: list[tuple[nn.Module, str]] = [(module, "every") for module in networks]
    functions += [(module, "forward") for module in parametrized]
    return functions + [(module, name) for module in attentions for name in ("joined_weight", "joined_bias")]


def _hold(module: nn.Module, name: str) -> tuple[Tensor, Tensor]:
    """Cover a method by its value of now; return the value and the leaf that stands for it."""
    value = getattr(module, name)()
    leaf = value.detach().requires_grad_(value.requires_grad)
    setattr(module, name, lambda: leaf)
    return value, leaf
