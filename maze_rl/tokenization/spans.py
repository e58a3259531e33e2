"""What every position of a token sequence is: its region, and the cell or edge it names.

Labels are read off the tokens by table when they are first asked for, so encoding costs what the ids cost.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import torch
from jaxtyping import Bool, Int8, Int16, Int64
from torch import Tensor

from maze_rl.tokenization.layouts import Layout


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

    tokens: Int64[Tensor, "batch pos"]
    """The ids the labels are of."""
    path_start: Int64[Tensor, " batch"]
    """Position of ``<PATH_START>``; the origin, first cell of the path, stands right after it."""
    lengths: Int64[Tensor, " batch"]
    """Number of tokens before the padding."""
    offsets: Int16[Tensor, "batch 2"]
    """Where the maze's cell (0, 0) lies on the canvas."""
    layout: Layout
    """The tables of the format."""

    @cached_property
    def regions(self) -> Int8[Tensor, "batch pos"]:
        """A `Region` for each position."""
        position, start = self._positions, self.path_start[:, None]
        regions = torch.full(self.tokens.shape, Region.DELIMITER, dtype=torch.int8)
        # the last edge is followed by seven tokens: list end, origin and target with their marks, path start
        regions[(position > 0) & (position < start - 7)] = Region.ADJACENCY
        regions[position == start - 5] = Region.ORIGIN
        regions[position == start - 2] = Region.TARGET
        regions[(position > start) & (position < self.lengths[:, None] - 1)] = Region.PATH
        regions[~self.real] = Region.PADDING
        return regions

    @cached_property
    def cells(self) -> Int16[Tensor, "batch pos 2"]:
        """(row, col) of the cell the token names; -1 where it names none."""
        on_canvas = torch.from_numpy(self.layout.cell_of_id)[self.tokens]
        return torch.where(on_canvas >= 0, on_canvas - self.offsets[:, None], -1)

    @cached_property
    def edges(self) -> Int16[Tensor, "batch pos 3"]:
        """(direction, row, col) of the edge the token is part of; -1 outside the adjacency list."""
        if self.layout.edge_ids is not None:
            on_canvas = torch.from_numpy(self.layout.edge_of_id)[self.tokens]
            shift = torch.nn.functional.pad(self.offsets, (1, 0))[:, None]
            return torch.where(on_canvas >= 0, on_canvas - shift, -1)
        group = (self._positions - 1).clamp(min=0) // 4 * 4
        last = self.tokens.shape[1] - 1
        first, second = (self.cells[:, (group + place).clamp(max=last)] for place in (1, 3))
        corner = torch.minimum(first, second)
        direction = (first[..., :1] == second[..., :1]).to(torch.int16)
        in_list = (self.regions == Region.ADJACENCY)[..., None]
        return torch.where(in_list, torch.cat([direction, corner], dim=-1), -1)

    @property
    def after_path_start(self) -> Bool[Tensor, "batch pos"]:
        """True for the tokens of the path and its end: what a model is asked to write."""
        return (self._positions > self.path_start[:, None]) & self.real

    @property
    def real(self) -> Bool[Tensor, "batch pos"]:
        """True for every token that is not padding."""
        return self._positions < self.lengths[:, None]

    @property
    def _positions(self) -> Int64[Tensor, " pos"]:
        return torch.arange(self.tokens.shape[1])

    def rows(self, chosen: Int64[Tensor, " rows"], length: int) -> "TokenSpans":
        """Return the labels of the sequences `chosen`, cut to `length` positions."""
        tokens = self.tokens[chosen, :length]
        return TokenSpans(tokens, self.path_start[chosen], self.lengths[chosen], self.offsets[chosen], self.layout)
