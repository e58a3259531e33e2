"""Unified weights, version 6 (LMPlay): the vectors of version 1 are predicted by one network all weights share.

Every weight has a free vector z of expansion * d_model entries. For each of its parts (m_o and so on, see
`maze_rl.models.parametrizations.unified_weights`) the vector is start + ((N(z) + p) + c), where
N(z) = gelu(z P1) P2, P1 is shared by all weights, P2 by all parts of one kind and length, p is a free vector and c a
scalar. p starts at -N(z), so that the vector starts at exactly 1 or 0. Folded, N, z, p and c are gone.

Source: github.com/jmward01/lmplay (2024-2025), "sharable deep unified linear" (uw6).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.models.parametrizations.matrix_sides import block_weights
from maze_rl.models.parametrizations.unified_weights import (
    part_shape,
    shift_biases,
    start_value,
    unify,
    visible_parts,
)
from maze_rl.models.random_streams import torch_generator


class SharedNetwork(nn.Module):
    """N: from a weight's free vector to the vectors along its sides.

    Args:
        width: Entries of a free vector.
        middle: Width between the layers.
        outputs: The length of every kind of output.
        generator: Source of the first values.
        dtype: Parameter type.
    """

    def __init__(
        self, width: int, middle: int, outputs: dict[str, int], generator: torch.Generator, dtype: torch.dtype
    ) -> None:
        super().__init__()
        first = torch.randn(width, middle, generator=generator) * width**-0.5
        self.first = nn.Parameter(first.to(dtype))
        last = {kind: torch.randn(middle, length, generator=generator) * 0.02 for kind, length in outputs.items()}
        self.last = nn.ParameterDict({kind: matrix.to(dtype) for kind, matrix in last.items()})

    def forward(self, free: Float[Tensor, " width"], kinds: list[str]) -> list[Tensor]:
        """Return one vector for each of `kinds`."""
        hidden = functional.gelu(free @ self.first)
        return [hidden @ self.last[kind] for kind in kinds]


class PredictedWeight(nn.Module):
    """Scales and shifts a weight along its sides by predicted vectors."""

    def __init__(
        self, module: nn.Module, name: str, parts: str, network: SharedNetwork, generator: torch.Generator
    ) -> None:
        super().__init__()
        weight, shifted = getattr(module, name), visible_parts(module, name, parts)
        # in a tuple, so that its parameters belong to the model alone and are saved once
        self._network = (network,)
        self._shapes = {part: part_shape(part, name, weight) for part in shifted}
        self._kinds = [kind_of(part, shape) for part, shape in self._shapes.items()]
        self.free = nn.Parameter(torch.randn(len(network.first), generator=generator).to(weight.dtype))
        with torch.no_grad():
            predicted = dict(zip(self._shapes, network(self.free, self._kinds), strict=True))
        zero = torch.zeros((), dtype=weight.dtype)
        self.correction = nn.ParameterDict({part: -vector for part, vector in predicted.items()})
        self.scalar = nn.ParameterDict({part: zero.clone() for part in predicted if shifted[part]})

    def forward(self, weight: Tensor) -> Tensor:
        """Return W'."""
        predicted = self._network[0](self.free, self._kinds)
        vectors = {}
        for (part, shape), vector in zip(self._shapes.items(), predicted, strict=True):
            change = vector + self.correction[part]
            if part in self.scalar:
                change = change + self.scalar[part]
            vectors[part] = (start_value(part) + change).reshape(shape)
        return unify(weight, vectors)


def kind_of(part: str, shape: tuple[int, ...]) -> str:
    """Name the output of N for a part of some length."""
    return f"{part}_{torch.Size(shape).numel()}"


def predict_weights(model: HookedTransformer, seed: int, parts: str, expansion: int) -> None:
    """Parametrize the six matrices of every block, and their biases; the network is ``model.shared_network``."""
    generator, dtype = torch_generator(seed, "unified_weights"), model.cfg.dtype
    outputs = {}
    for module, name in block_weights(model):
        for part in visible_parts(module, name, parts):
            shape = part_shape(part, name, getattr(module, name))
            outputs[kind_of(part, shape)] = torch.Size(shape).numel()
    network = SharedNetwork(expansion * model.cfg.d_model, model.cfg.d_model, outputs, generator, dtype)
    model.add_module("shared_network", network)
    for module, name in block_weights(model):
        predicted = PredictedWeight(module, name, parts, network, generator)
        parametrize.register_parametrization(module, name, predicted)
    shift_biases(model)
