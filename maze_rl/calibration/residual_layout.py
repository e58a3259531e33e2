"""Where a hand-built model keeps what it knows: named blocks of residual-stream dimensions.

A *field* has one dimension per canvas cell (a set of cells, or a number for each); a *flag* has one dimension. The
last dimensions hold the position code. The blocks are axis-aligned here; `maze_rl.calibration.rotation` turns them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown


@dataclass(frozen=True)
class ResidualLayout(Shown):
    """Names of the blocks of one model, and how many cells and position dimensions it has."""

    fields: tuple[str, ...]
    flags: tuple[str, ...]
    canvas: int
    """Cells per side."""
    position_dims: int

    @property
    def num_cells(self) -> int:
        """Cells of the canvas: the width of a field."""
        return self.canvas**2

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return len(self.fields) * self.num_cells + len(self.flags) + self.position_dims

    @cached_property
    def _starts(self) -> dict[str, int]:
        widths = [self.num_cells] * len(self.fields) + [1] * len(self.flags)
        starts = np.cumsum([0, *widths])
        return {name: int(start) for name, start in zip((*self.fields, *self.flags), starts, strict=False)}

    def __contains__(self, name: str) -> bool:
        return name in self._starts

    def __getitem__(self, name: str) -> Int64[ndarray, " dims"]:
        """Return the dimensions of a field (cell by cell, row by row), a flag, or ``position``."""
        if name == "position":
            return np.arange(self.d_model - self.position_dims, self.d_model)
        start = self._starts[name]
        return np.arange(start, start + (self.num_cells if name in self.fields else 1))

    def dims(self, names: Sequence[str]) -> Int64[ndarray, " dims"]:
        """Return the dimensions of several blocks, one after another."""
        return np.concatenate([self[name] for name in names])
