"""Unified weights, version 1 (LMPlay): W' = ((W * m_o) + a_o) * m_i + a_i, and b' = b + beta.

m_o and a_o have an entry per output, m_i and a_i per input; each is a vector plus one scalar of its own, m starting at
1 and a at 0, so that W' = W bit for bit. ``parts`` says which there are: ``output`` (m_o, the original's default),
``multiply`` (m_o, m_i) or ``all``. beta is a scalar. All six matrices of a block take part; folded, they are the values
of W' and b'.

What the model cannot see is left out, for it would never train: attention does not see a shift of all keys (beta of
``b_K``), and a layer norm none of all it normalises: the next one of the residual stream (beta of ``b_O`` and
``b_out``; a_i and the scalar of a_o of ``W_O`` and ``W_out``), a value norm of the values (the same of ``b_V``,
``W_V``).

Source: github.com/jmward01/lmplay (2024-2025), "unified weights" (uw1).
"""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.models.parametrizations.matrix_sides import Side, block_weights, side_shape
from maze_rl.models.tied_parameters import own_blocks

PARTS: dict[str, tuple[str, ...]] = {
    "output": ("multiply_output",),
    "multiply": ("multiply_output", "multiply_input"),
    "all": ("multiply_output", "add_output", "multiply_input", "add_input"),
}
_BIASES = {"attn": ("b_Q", "b_K", "b_V", "b_O"), "mlp": ("b_in", "b_out")}


class ShiftedVector(nn.Module):
    """A vector, plus a scalar where that can be seen; together they start at one value."""

    def __init__(self, shape: tuple[int, ...], start: float, shifted: bool, dtype: torch.dtype) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.full(shape, start, dtype=dtype))
        self.scalar = nn.Parameter(torch.zeros((), dtype=dtype)) if shifted else None

    def forward(self) -> Tensor:
        """Return their sum."""
        return self.vector if self.scalar is None else self.vector + self.scalar


class UnifiedWeight(nn.Module):
    """Scales and shifts a weight along its sides by free vectors."""

    def __init__(self, module: nn.Module, name: str, parts: Sequence[str]) -> None:
        super().__init__()
        weight = getattr(module, name)
        self.vectors = nn.ModuleDict()
        for part, shifted in visible_parts(module, name, parts).items():
            shape = part_shape(part, name, weight)
            self.vectors[part] = ShiftedVector(shape, start_value(part), shifted, weight.dtype)

    def forward(self, weight: Tensor) -> Tensor:
        """Return W'."""
        return unify(weight, {part: vector() for part, vector in self.vectors.items()})


class ShiftedBias(nn.Module):
    """b' = b + beta."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.zeros((), dtype=dtype))

    def forward(self, bias: Tensor) -> Tensor:
        """Return b'."""
        return bias + self.beta


def unify(weight: Tensor, vectors: Mapping[str, Tensor]) -> Tensor:
    """Apply the vectors in the order of `PARTS`."""
    for part in PARTS["all"]:
        if part in vectors:
            weight = weight * vectors[part] if part.startswith("multiply") else weight + vectors[part]
    return weight


def visible_parts(module: nn.Module, name: str, parts: Sequence[str]) -> dict[str, bool]:
    """Return those of `parts` of a weight that can be seen, and whether a scalar beside the part's vector can be."""
    seen = sees_shift(module, name)
    return {part: seen or part != "add_output" for part in parts if seen or part != "add_input"}


def sees_shift(module: nn.Module, name: str) -> bool:
    """Tell whether it matters if all outputs of a weight, or entries of a bias, rise alike."""
    side = name.partition("_")[2]
    return side not in ("O", "out") and name != "b_K" and not (side == "V" and module.normalize_values)


def part_shape(part: str, name: str, weight: Tensor) -> tuple[int, ...]:
    """Return the shape of a part's vector for the weight `name`."""
    side: Side = "output" if part.endswith("output") else "input"
    return side_shape(name, weight.shape, side)


def start_value(part: str) -> float:
    """Return what a part's vector starts at, so that it changes nothing."""
    return 1.0 if part.startswith("multiply") else 0.0


def unify_weights(model: HookedTransformer, parts: str) -> None:
    """Parametrize the six matrices of every block, and their biases."""
    for module, name in block_weights(model):
        parametrize.register_parametrization(module, name, UnifiedWeight(module, name, PARTS[parts]))
    shift_biases(model)


def shift_biases(model: HookedTransformer) -> None:
    """Give the biases where it can be seen their beta."""
    for block in own_blocks(model):
        for component, names in _BIASES.items():
            module = getattr(block, component)
            for name in filter(partial(sees_shift, module), names):
                parametrize.register_parametrization(module, name, ShiftedBias(getattr(module, name).dtype))
