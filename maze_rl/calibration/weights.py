"""Weights set by hand: arrays of zeros under TransformerLens's names, and the few ways they are filled."""

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from maze_rl.calibration.residual_layout import ResidualLayout
from maze_rl.displays.short_repr import Shown


class Head(Shown):
    """One attention head: what it asks for, what answers, and what it copies where.

    A query-key dimension is a pair of linear readings whose product adds to the score; scores are not divided.
    """

    def __init__(self, query: ndarray, key: ndarray, value: ndarray, output: ndarray) -> None:
        self.query, self.key, self.value, self.output = query, key, value, output
        self._matched = self._copied = 0

    def match(self, asks: ndarray, answers: ndarray, scale: float = 1.0) -> None:
        """Add scale * sum_i x_query[asks_i] x_key[answers_i] to the score."""
        self.match_any((asks,), answers, scale)

    def match_any(self, asks: Sequence[ndarray], answers: ndarray, scale: float = 1.0) -> None:
        """Do as `match` for the sum of several blocks that ask."""
        dims = self.match_by(np.eye(len(answers)), asks[0], answers, scale)
        for block in asks[1:]:
            self.query[block, dims] = scale * np.eye(len(answers))

    def match_by(self, turn: ndarray, asks: ndarray, answers: ndarray, scale: float = 1.0) -> slice:
        """Add scale * (x_query[asks] @ turn) . x_key[answers] to the score; return the dimensions it takes."""
        dims = slice(self._matched, self._matched + len(answers))
        self._matched += len(answers)
        self.query[asks, dims] = scale * turn
        self.key[answers, np.arange(dims.start, dims.stop)] = 1
        return dims

    def copy(self, source: ndarray, *goals: ndarray, scale: float = 1.0) -> None:
        """Write the attended value of the dimensions `source` to each of `goals`."""
        dims = np.arange(self._copied, self._copied + len(source))
        self._copied += len(source)
        self.value[source, dims] = 1
        for goal in goals:
            self.output[dims, goal] = scale


class Neurons(Shown):
    """The MLP of one layer: rectified readings of the residual stream, and what each adds to it."""

    def __init__(self, read: ndarray, bias: ndarray, write: ndarray) -> None:
        self.read, self.bias, self.write = read, bias, write
        self._used = 0

    def add(self, readings: Sequence[tuple[ndarray, float]], bias: float, goal: ndarray, scale: float) -> None:
        """Add scale * relu(sum of factor * x[dims] + bias) to x[goal], entry by entry.

        A reading of one dimension counts for all entries; a goal of one dimension collects from all.
        """
        num = max(len(dims) for dims, _ in readings)
        units = np.arange(self._used, self._used + num)
        self._used += num
        for dims, factor in readings:
            self.read[dims if len(dims) == num else np.repeat(dims, num), units] += factor
        self.bias[units] = bias
        self.write[units, goal if len(goal) == num else np.repeat(goal, num)] = scale

    def step(self, readings: Sequence[tuple[ndarray, float]], goal: ndarray, bias: float = 0.0) -> None:
        """Add min(max(reading, 0), 1) to x[goal]."""
        self.add(readings, bias, goal, 1.0)
        self.add(readings, bias - 1.0, goal, -1.0)

    def become(self, block: ndarray, readings: Sequence[tuple[ndarray, float]], bias: float = 0.0) -> None:
        """Set x[block], where it is positive, to relu of the reading, which must not read the block itself."""
        self.clear(block)
        self.add(readings, bias, block, 1.0)

    def clear(self, block: ndarray) -> None:
        """Set x[block] to 0 where it is positive."""
        self.add([(block, 1.0)], 0.0, block, -1.0)


class Weights(Shown):
    """All arrays of one model."""

    def __init__(self, layout: ResidualLayout, n_layers: int, n_heads: int, d_head: int, d_mlp: int) -> None:
        self.layout, self.n_layers = layout, n_layers
        width = layout.d_model
        self.arrays: dict[str, ndarray] = {}
        for layer in range(n_layers):
            for name, shape in (
                ("attn.W_Q", (n_heads, width, d_head)),
                ("attn.W_K", (n_heads, width, d_head)),
                ("attn.W_V", (n_heads, width, d_head)),
                ("attn.W_O", (n_heads, d_head, width)),
                ("attn.b_Q", (n_heads, d_head)),
                ("attn.b_K", (n_heads, d_head)),
                ("attn.b_V", (n_heads, d_head)),
                ("attn.b_O", (width,)),
                ("mlp.W_in", (width, d_mlp)),
                ("mlp.b_in", (d_mlp,)),
                ("mlp.W_out", (d_mlp, width)),
                ("mlp.b_out", (width,)),
            ):
                self.arrays[f"blocks.{layer}.{name}"] = np.zeros(shape)

    def head(self, layer: int, head: int) -> Head:
        """Return one head, to be filled."""
        return Head(*(self.arrays[f"blocks.{layer}.attn.{name}"][head] for name in ("W_Q", "W_K", "W_V", "W_O")))

    def neurons(self, layer: int) -> Neurons:
        """Return the MLP of a layer, to be filled."""
        return Neurons(*(self.arrays[f"blocks.{layer}.mlp.{name}"] for name in ("W_in", "b_in", "W_out")))
