"""What every position of a token sequence is: its region, and the cell or edge it names."""

from dataclasses import dataclass, fields
from enum import IntEnum

import torch
from jaxtyping import Bool, Int8, Int16, Int64
from torch import Tensor


class Region(IntEnum):
    """Parts of a sequence."""

    ADJACENCY = 0
    ORIGIN = 1
    TARGET = 2
    PATH = 3
    DELIMITER = 4
    PADDING = 5


@dataclass(frozen=True, eq=False)
class TokenSpans:
    """Labels for every position; cells and edges are in the maze's own coordinates, not the canvas's."""

    regions: Int8[Tensor, "batch pos"]
    """A `Region` for each position."""
    cells: Int16[Tensor, "batch pos 2"]
    """(row, col) of the cell the token names; -1 where it names none."""
    edges: Int16[Tensor, "batch pos 3"]
    """(direction, row, col) of the edge the token is part of; -1 outside the adjacency list."""
    path_start: Int64[Tensor, " batch"]
    """Position of ``<PATH_START>``; the origin, first cell of the path, stands right after it."""
    lengths: Int64[Tensor, " batch"]
    """Number of tokens before the padding."""
    offsets: Int16[Tensor, "batch 2"]
    """Where the maze's cell (0, 0) lies on the canvas."""

    @property
    def after_path_start(self) -> Bool[Tensor, "batch pos"]:
        """True for the tokens of the path and its end: what a model is asked to write."""
        position = torch.arange(self.regions.shape[1], device=self.regions.device)
        return (position > self.path_start[:, None]) & (position < self.lengths[:, None])

    @property
    def real(self) -> Bool[Tensor, "batch pos"]:
        """True for every token that is not padding."""
        return self.regions != Region.PADDING

    def rows(self, chosen: Int64[Tensor, " rows"], length: int) -> "TokenSpans":
        """Return the labels of the sequences `chosen`, cut to `length` positions."""
        cut = {"regions", "cells", "edges"}
        taken = {f.name: getattr(self, f.name)[chosen] for f in fields(self)}
        return TokenSpans(**{name: value[:, :length] if name in cut else value for name, value in taken.items()})
