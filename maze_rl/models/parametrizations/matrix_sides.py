"""How a weight of a block reads as one matrix [input, output]; the heads of an attention layer stand side by side."""

from collections.abc import Iterator, Sequence
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens import HookedTransformer

from maze_rl.models.tied_parameters import own_blocks

Side = Literal["input", "output"]
_ATTENTION, _MLP = ("W_Q", "W_K", "W_V", "W_O"), ("W_in", "W_out")
_INPUT_AXES = {"W_Q": (1,), "W_K": (1,), "W_V": (1,), "W_O": (0, 1), "W_in": (0,), "W_out": (0,)}


def block_weights(model: HookedTransformer) -> Iterator[tuple[nn.Module, str]]:
    """Yield the six weight matrices of every block, as module and name."""
    for block in own_blocks(model):
        yield from ((block.attn, name) for name in _ATTENTION)  # type: ignore[misc]
        yield from ((block.mlp, name) for name in _MLP)  # type: ignore[misc]


def side_shape(name: str, shape: Sequence[int], side: Side) -> tuple[int, ...]:
    """Return the shape of a vector over one side of a weight, to be broadcast over the other."""
    return tuple(size if (axis in _INPUT_AXES[name]) == (side == "input") else 1 for axis, size in enumerate(shape))


def from_matrix(name: str, matrix: Float[Tensor, "inputs outputs"], shape: Sequence[int]) -> Tensor:
    """Return a matrix in the shape TransformerLens gives the weight `name`."""
    if len(shape) == 2 or name == "W_O":
        return matrix.reshape(*shape)
    heads, width, d_head = shape
    return matrix.reshape(width, heads, d_head).permute(1, 0, 2)
