"""Unified weights, version 6 (LMPlay): the vectors of version 1 are predicted by one network all weights share.

Every weight has a free vector z of expansion * d_model entries. For each of its parts (m_o and so on, see
`maze_rl.models.parametrizations.unified_weights`) the vector is start + ((N(z) + p) + c), where N(z) = gelu(z P1) P2
with P1 and P2 shared by all weights (columns of P2: one range for every kind and length of part), p is a free vector
and c a scalar. p starts at -N(z), so that the vector starts at 1 or 0. Folded, N, z, p and c are gone.

Source: github.com/jmward01/lmplay (2024-2025), "sharable deep unified linear" (uw6).
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.models.parametrizations.matrix_sides import block_weights
from maze_rl.models.parametrizations.unified_weights import (
    PARTS,
    part_shape,
    shift_biases,
    start_value,
    unify,
    visible_parts,
)
from maze_rl.models.random_streams import torch_generator


class SharedNetwork(nn.Module):
    """N and the free vectors of all weights.

    Args:
        weights: How many weights share it.
        width: Entries of a free vector.
        middle: Width between the layers.
        lengths: The length of every kind of output.
        generator: Source of the first values.
        dtype: Parameter type.
    """

    def __init__(
        self,
        weights: int,
        width: int,
        middle: int,
        lengths: dict[str, int],
        generator: torch.Generator,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()

        def draw(rows: int, columns: int, std: float) -> nn.Parameter:
            return nn.Parameter((torch.randn(rows, columns, generator=generator) * std).to(dtype))

        self.free = draw(weights, width, 1.0)
        self.first = draw(width, middle, width**-0.5)
        self.last = draw(middle, sum(lengths.values()), 0.02)
        ends = list(accumulate(lengths.values()))
        self.ranges = {kind: slice(end - lengths[kind], end) for kind, end in zip(lengths, ends, strict=True)}

    def every(self) -> Float[Tensor, "weights outputs"]:
        """Return the outputs for all weights, of all kinds; always of all, as other shapes round otherwise."""
        return functional.gelu(self.free @ self.first) @ self.last


class PredictedWeight(nn.Module):
    """Scales and shifts a weight along its sides by predicted vectors.

    Args:
        module: The component the weight belongs to.
        name: The weight.
        parts: Which vectors there are, of those of `maze_rl.models.parametrizations.unified_weights.PARTS`.
        network: N, of all weights or of this one.
        place: Which of the network's weights it is.
    """

    def __init__(self, module: nn.Module, name: str, parts: Sequence[str], network: SharedNetwork, place: int) -> None:
        super().__init__()
        weight, shifted = getattr(module, name), visible_parts(module, name, parts)
        # in a tuple, so that its parameters belong to the model alone and are saved once
        self._network, self._place = (network,), place
        self._shapes = {part: part_shape(part, name, weight) for part in shifted}
        zero = torch.zeros((), dtype=weight.dtype)
        with torch.no_grad():
            self.correction = nn.ParameterDict({part: -vector for part, vector in self._predicted().items()})
        self.scalar = nn.ParameterDict({part: zero.clone() for part in shifted if shifted[part]})

    def forward(self, weight: Tensor) -> Tensor:
        """Return W'."""
        vectors = {}
        for part, vector in self._predicted().items():
            change = vector + self.correction[part]
            if part in self.scalar:
                change = change + self.scalar[part]
            vectors[part] = (start_value(part) + change).reshape(self._shapes[part])
        return unify(weight, vectors)

    def _predicted(self) -> dict[str, Tensor]:
        network = self._network[0]
        outputs = network.every()[self._place]  # held by `weights_once`: computed once for all
        return {part: outputs[network.ranges[kind_of(part, shape)]] for part, shape in self._shapes.items()}


def kind_of(part: str, shape: tuple[int, ...]) -> str:
    """Name the outputs of N for a part of some length."""
    return f"{part}_{torch.Size(shape).numel()}"


def lengths_of(module: nn.Module, name: str, parts: Sequence[str]) -> dict[str, int]:
    """Return the length of every output of N that the parts of a weight need."""
    shapes = {part: part_shape(part, name, getattr(module, name)) for part in visible_parts(module, name, parts)}
    return {kind_of(part, shape): torch.Size(shape).numel() for part, shape in shapes.items()}


def predict_weights(model: HookedTransformer, seed: int, parts: str, expansion: int) -> None:
    """Parametrize the six matrices of every block, and their biases; the network is ``model.shared_network``."""
    weights, d_model = list(block_weights(model)), model.cfg.d_model
    lengths: dict[str, int] = {}
    for module, name in weights:
        lengths |= lengths_of(module, name, PARTS[parts])
    generator = torch_generator(seed, "unified_weights")
    network = SharedNetwork(len(weights), expansion * d_model, d_model, lengths, generator, model.cfg.dtype)
    model.add_module("shared_network", network)
    for place, (module, name) in enumerate(weights):
        parametrize.register_parametrization(module, name, PredictedWeight(module, name, PARTS[parts], network, place))
    shift_biases(model)
