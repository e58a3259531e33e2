"""Unified weights, versions 3 to 5 (LMPlay): vectors of version 1 predicted by a network that each weight has alone.

N(z) = gelu(z P1) P2 with a free vector z of expansion * inputs entries and min(inputs, outputs) entries between the two
layers; all three are the weight's own. A predicted vector of W' (see
`maze_rl.models.parametrizations.unified_weights`) is start + ((N(z) + p) + c), with p free and c a scalar, as in
version 6; a predicted bias is b' = (b + N(z)) + beta. The versions differ in what is predicted:

- v3: the bias; the vectors of W' are free.
- v4: the vectors of W'; the bias is b + beta.
- v5: the vectors per input and the bias, by two outputs of one N; those per output are free.

The originals start where their networks happen to; here p and b start at what makes every vector 1 or 0 and every bias
what it was, so that the start is the plain model bit for bit. What the model cannot see is left out, as in version 1:
``b_K`` is not predicted. Folded, N, z, p, c and beta are gone.

Source: github.com/jmward01/lmplay (2024-2025), "deep unified linear" (uw3, uw4, uw5).
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.models.parametrizations.matrix_sides import block_weights, side_shape
from maze_rl.models.parametrizations.predicted_weights import PredictedWeight, SharedNetwork, lengths_of
from maze_rl.models.parametrizations.unified_weights import PARTS, UnifiedWeight, sees_shift, shift_biases
from maze_rl.models.random_streams import torch_generator

_BIAS = "bias"


class PredictedBias(nn.Module):
    """b' = (b + N(z)) + beta, without beta where it cannot be seen."""

    def __init__(self, module: nn.Module, name: str, network: SharedNetwork) -> None:
        super().__init__()
        self._network = (network,)  # in a tuple: one that belongs to the weight is saved there
        zero = torch.zeros((), dtype=getattr(module, name).dtype)
        self.beta = nn.Parameter(zero) if sees_shift(module, name) else None

    def right_inverse(self, bias: Tensor) -> Tensor:
        """Return b, from what b' is to be before beta moves."""
        return bias - self._predicted(bias)

    def forward(self, bias: Tensor) -> Tensor:
        """Return b'."""
        predicted = bias + self._predicted(bias)
        return predicted if self.beta is None else predicted + self.beta

    def _predicted(self, bias: Tensor) -> Tensor:
        network = self._network[0]
        return network.every()[0, network.ranges[_BIAS]].reshape(bias.shape)


def predict_alone(model: HookedTransformer, seed: int, version: str, parts: str, expansion: int) -> None:
    """Parametrize the six matrices of every block and their biases as version v3, v4 or v5 does.

    Args:
        model: Changed in place.
        seed: Seed of the networks.
        version: `v3`, `v4` or `v5`.
        parts: One of `maze_rl.models.parametrizations.unified_weights.PARTS`.
        expansion: Width of every z, in units of its weight's inputs.
    """
    free, predicted = _divided(version, PARTS[parts])
    for place, (module, name) in enumerate(block_weights(model)):
        bias = name.replace("W", "b")
        lengths = lengths_of(module, name, predicted)
        if version != "v4" and bias != "b_K":
            lengths[_BIAS] = getattr(module, bias).numel()
        generator = torch_generator(seed, "unified_weights", str(place))
        network = _network(module, name, lengths, expansion, generator)
        if free:
            parametrize.register_parametrization(module, name, UnifiedWeight(module, name, free))
        owners: list[nn.Module] = []
        if predicted:
            owners.append(PredictedWeight(module, name, predicted, network, 0))
            parametrize.register_parametrization(module, name, owners[-1])
        if _BIAS in lengths:
            owners.append(PredictedBias(module, bias, network))
            parametrize.register_parametrization(module, bias, owners[-1])
        if owners:
            owners[0].network = network  # saved once, with the first that it predicts
    if version == "v4":
        shift_biases(model)


def _divided(version: str, parts: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which parts are free and which are predicted."""
    per_input = tuple(part for part in parts if part.endswith("input"))
    predicted = {"v3": (), "v4": parts, "v5": per_input}[version]
    return tuple(part for part in parts if part not in predicted), predicted


def _network(
    module: nn.Module, name: str, lengths: dict[str, int], expansion: int, generator: torch.Generator
) -> SharedNetwork:
    """Return the network of one weight."""
    weight = getattr(module, name)
    inputs = torch.Size(side_shape(name, weight.shape, "input")).numel()
    middle = min(inputs, weight.numel() // inputs)
    return SharedNetwork(1, expansion * inputs, middle, lengths, generator, weight.dtype)
