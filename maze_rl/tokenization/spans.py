"""What every position of a token sequence is: its region, and the cell, open sides or edge it names.

Labels are read off the tokens by table when they are first asked for, so encoding costs what the ids cost.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import torch
from jaxtyping import Bool, Int8, Int16, Int64
from torch import Tensor

from maze_rl.displays.short_repr import Shown, counted
from maze_rl.tokenization.layouts import NORTH, PATH_END, STEPS, Layout


class Region(IntEnum):
    """Parts of a sequence."""

    ADJACENCY = 0
    ORIGIN = 1
    TARGET = 2
    PATH = 3
    DELIMITER = 4
    PADDING = 5


@dataclass(frozen=True, eq=False)
class TokenSpans(Shown):
    """Labels for every position; cells and edges are in the maze's own coordinates, not the canvas's."""

    tokens: Int64[Tensor, "batch pos"]
    """The ids the labels are of."""
    path_start: Int64[Tensor, " batch"]
    """Position of ``<PATH_START>``; the path stands right after it, its origin first unless moves say it without."""
    lengths: Int64[Tensor, " batch"]
    """Number of tokens before the padding."""
    offsets: Int16[Tensor, "batch 2"]
    """Where the maze's cell (0, 0) lies on the canvas; (0, 0) where a canvas shows more than one maze: its cells and
    edges have the canvas's coordinates."""
    layout: Layout
    """The tables of the format."""
    further_starts: Int64[Tensor, "batch further"] | None = None
    """Position of the first token of each segment after the first, `lengths` where a sequence has fewer; None where
    one path stands behind each prompt."""
    further_targets: Int64[Tensor, " batch"] | None = None
    """How many targets stand between the marks beside the first, those of other mazes on the canvas; None for none."""

    def _headline(self) -> str:
        num, longest = self.tokens.shape
        paths = "" if self.further_starts is None else f", up to {1 + self.further_starts.shape[1]} paths each"
        return f"{counted(num, 'sequence')} of up to {counted(longest, 'token')}{paths}"

    def _brief(self) -> str:
        return self._headline()

    @cached_property
    def segments(self) -> Int64[Tensor, "batch pos"]:
        """Which path behind the prompt a position belongs to, counted from 1; 0 for the prompt and padding."""
        after = (self.positions > self.path_start[:, None]).long()
        if self.further_starts is not None:
            for starts in self.further_starts.T:
                after = after + (self.positions >= starts[:, None])
        return torch.where(self.real, after, 0)

    @cached_property
    def place_in_segment(self) -> Int64[Tensor, "batch pos"]:
        """Place of a position in its segment, counted from 0; for the prompt and padding it means nothing."""
        begun = self.path_start[:, None] + 1
        if self.further_starts is not None:
            for starts in self.further_starts.T:
                begun = torch.where(self.positions >= starts[:, None], starts[:, None], begun)
        return self.positions - begun

    @cached_property
    def regions(self) -> Int8[Tensor, "batch pos"]:
        """A `Region` for each position."""
        position = self.positions
        regions = torch.full(self.tokens.shape, Region.DELIMITER, dtype=torch.int8)
        list_place, size = self._list_place, self.layout.tokens_per_cell
        regions[(list_place >= 0) & (list_place < self._list_length)] = Region.ADJACENCY
        regions[(position >= self._origin_start) & (position < self._origin_start + size)] = Region.ORIGIN
        target_end = self.target_start[:, None] + size * (1 + self._further_targets)
        regions[(position >= self.target_start[:, None]) & (position < target_end)] = Region.TARGET
        # a path may be cut before its end
        regions[self.after_path_start & (self.tokens != PATH_END)] = Region.PATH
        regions[self.given_origin] = Region.ORIGIN
        regions[~self.real] = Region.PADDING
        return regions

    @cached_property
    def cells(self) -> Int16[Tensor, "batch pos 2"]:
        """(row, col) of the cell the token names or is part of, or the cell its step leads to; -1 where none is."""
        start = self._cell_starts.clamp(min=0)
        row, col = (
            torch.from_numpy(ids)[self._at(start + place)]
            for ids, place in (
                (self.layout.row_of_id, self.layout.row_place),
                (self.layout.col_of_id, self.layout.col_place),
            )
        )
        cells = torch.stack([row, col], dim=-1) - self.offsets[:, None]
        cells[self._cell_starts < 0] = -1
        if self.layout.lists_cells:
            listed = self._listed_cells
            cells = torch.where(listed[..., :1] >= 0, listed[..., :2] - self.offsets[:, None], cells)
        return self._with_moves(cells) if self.layout.path_as_moves else cells

    @cached_property
    def edges(self) -> Int16[Tensor, "batch pos 3"]:
        """(direction, row, col) of the edge, open or closed, the token is part of; -1 outside the adjacency list.

        Where cells are listed, no token is part of an edge.
        """
        in_list = (self.regions == Region.ADJACENCY)[..., None]
        if self.layout.lists_cells:
            return torch.full((*self.tokens.shape, 3), -1, dtype=torch.int16)
        if self.layout.edge_ids is not None:
            on_canvas = torch.from_numpy(self.layout.edge_of_id)[self.tokens]
            return torch.where(in_list, on_canvas - torch.nn.functional.pad(self.offsets, (1, 0))[:, None], -1)
        first, second = (self._of_edge(self.cells, place) for place in (0, self._second_cell))
        corner = torch.minimum(first, second)
        direction = (first[..., :1] == second[..., :1]).to(torch.int16)
        return torch.where(in_list, torch.cat([direction, corner], dim=-1), -1)

    @cached_property
    def open_sides(self) -> Int8[Tensor, "batch pos"]:
        """Open sides of the listed cell the token names, the sum of down 1, right 2, up 4, left 8; -1 elsewhere."""
        return self._listed_cells[..., 2].to(torch.int8)

    @cached_property
    def walls(self) -> Bool[Tensor, "batch pos"]:
        """True for the tokens of a listed edge that is closed."""
        in_list = self.regions == Region.ADJACENCY
        if not self.layout.walls:
            return torch.zeros_like(in_list)
        if self.layout.wall_ids is not None:
            ids = torch.from_numpy(self.layout.wall_ids[self.layout.wall_ids >= 0])
            return in_list & torch.isin(self.tokens, ids)
        return in_list & (self._of_edge(self.tokens, self.layout.tokens_per_cell) == self.layout.wall_id)

    @property
    def after_path_start(self) -> Bool[Tensor, "batch pos"]:
        """True for the tokens of paths and their ends, without an origin given there: what a model is to write."""
        return (self.segments > 0) & (self.place_in_segment >= self.layout.given_tokens)

    @property
    def answer_start(self) -> Int64[Tensor, " batch"]:
        """Position of the first token that a model writes: behind ``<PATH_START>`` and an origin given there."""
        return self.path_start + 1 + self.layout.given_tokens

    @property
    def given_origin(self) -> Bool[Tensor, "batch pos"]:
        """True for the tokens behind ``<PATH_START>`` that are given; nowhere if the prompt names the origin."""
        return (self.segments > 0) & (self.place_in_segment < self.layout.given_tokens)

    @property
    def real(self) -> Bool[Tensor, "batch pos"]:
        """True for every token that is not padding."""
        return self.positions < self.lengths[:, None]

    @property
    def positions(self) -> Int64[Tensor, " pos"]:
        """0, 1, 2, ... up to the longest sequence."""
        return torch.arange(self.tokens.shape[1])

    @property
    def _origin_start(self) -> Int64[Tensor, "batch 1"]:
        """Position of the origin's first token."""
        return self.path_start[:, None] + 1 if self.layout.origin_on_path else self._query_start + 1

    @property
    def target_start(self) -> Int64[Tensor, " batch"]:
        """Position of the target's first token."""
        return self._query_start[:, 0] + (1 if self.layout.origin_on_path else self.layout.tokens_per_cell + 3)

    @property
    def _further_targets(self) -> Int64[Tensor, "batch 1"]:
        return (
            torch.zeros_like(self.path_start)[:, None]
            if self.further_targets is None
            else self.further_targets[:, None]
        )

    @property
    def _query_start(self) -> Int64[Tensor, "batch 1"]:
        """Position of the first mark of origin and target, or of the target alone."""
        if self.layout.query_first:
            return torch.zeros_like(self.path_start)[:, None]
        return self.path_start[:, None] - self.layout.query_tokens - self._further_targets * self.layout.tokens_per_cell

    @property
    def _list_place(self) -> Int64[Tensor, "rows pos"]:
        """Place of each position in the adjacency list, counted from its first edge."""
        if not self.layout.query_first:
            return (self.positions - 1)[None]
        further = self._further_targets * self.layout.tokens_per_cell
        return self.positions - (1 + self.layout.query_tokens + further)

    @property
    def _list_length(self) -> Int64[Tensor, "batch 1"]:
        """Tokens of the adjacency list, without its marks."""
        further = self._further_targets * self.layout.tokens_per_cell
        return self.path_start[:, None] + 1 - self.layout.prompt_tokens(0) - further

    @property
    def _second_cell(self) -> int:
        """Place of the second cell in an edge spelled by its cells."""
        return self.layout.tokens_per_cell + self.layout.connectors

    @cached_property
    def _cell_starts(self) -> Int64[Tensor, "batch pos"]:
        """Position where the cell a token is part of begins; -1 where it is part of none, or of a move."""
        position, size, regions = self.positions[None], self.layout.tokens_per_cell, self.regions
        starts = torch.full_like(self.tokens, -1)
        if self.layout.spells_edges:
            place, second = self._list_place % self.layout.tokens_per_edge, self._second_cell
            begun = torch.where(place < second, position - place, position - place + second)
            inside = (place < size) | ((place >= second) & (place < second + size))
            starts = torch.where((regions == Region.ADJACENCY) & inside, begun, starts)
        if not self.layout.path_as_moves:
            begun = position - self.place_in_segment % size
            starts = torch.where(regions == Region.PATH, begun, starts)
        begun = position - self.place_in_segment if self.layout.origin_on_path else self._origin_start
        starts = torch.where(regions == Region.ORIGIN, begun, starts)
        target = self.target_start[:, None]
        return torch.where(regions == Region.TARGET, position - (position - target) % size, starts)

    @cached_property
    def _listed_cells(self) -> Int16[Tensor, "batch pos 3"]:
        """(row, col, open sides) on the canvas of each listed cell; -1 elsewhere, and where edges are listed."""
        in_list = (self.regions == Region.ADJACENCY)[..., None]
        return torch.where(in_list, torch.from_numpy(self.layout.open_cell_of_id)[self.tokens], -1)

    def _with_moves(self, cells: Int16[Tensor, "batch pos 2"]) -> Int16[Tensor, "batch pos 2"]:
        """Fill in where each step of the path leads: the origin and all steps up to it."""
        place_of_id = torch.full((len(self.layout.words),), -1)
        place_of_id[torch.from_numpy(self.layout.path_move_ids).long()] = torch.arange(4)
        on_path = self.regions == Region.PATH
        directions = torch.where(on_path, place_of_id[self.tokens], -1)
        is_step = directions >= 0
        if self.layout.path_as_turns:
            directions = (NORTH + self._summed(directions.clamp(min=0)[..., None])[..., 0]) % 4
        steps = self._summed(torch.where(is_step[..., None], torch.from_numpy(STEPS)[directions], 0))
        origin = self._begun if self.layout.origin_on_path else self._origin_start
        cells_of_origin = cells[torch.arange(len(cells))[:, None], origin]
        return torch.where(on_path[..., None], cells_of_origin + steps, cells)

    @property
    def _begun(self) -> Int64[Tensor, "batch pos"]:
        """Position of the first token of the segment a position belongs to."""
        return (self.positions - self.place_in_segment).clamp(max=self.tokens.shape[1] - 1)

    def _summed(self, values: Tensor) -> Tensor:
        """Add up values [batch, pos, ...] along the path of each segment, up to and with every position."""
        sums = values.cumsum(dim=1, dtype=values.dtype)
        # what stands in earlier segments is not part of this one
        before = sums[torch.arange(len(sums))[:, None], self._begun]
        return sums - torch.where(self.segments[..., None] > 1, before, 0)

    def _of_edge(self, labels: Tensor, place: int) -> Tensor:
        """Return for each position the label at one place of the edge it is part of; anything outside the list."""
        return self._at(self.positions - self._list_place % self.layout.tokens_per_edge + place, labels)

    def _at(self, positions: Int64[Tensor, "rows pos"], labels: Tensor | None = None) -> Tensor:
        """Return the labels (default: the tokens) at other positions of the same sequences, the last one at most."""
        values = self.tokens if labels is None else labels
        rows = torch.arange(len(values))[:, None]
        return values[rows, positions.clamp(min=0, max=self.tokens.shape[1] - 1)]

    def rows(self, chosen: Int64[Tensor, " rows"], length: int) -> "TokenSpans":
        """Return the labels of the sequences `chosen`, cut to `length` positions."""
        tokens = self.tokens[chosen, :length]
        further = (None if labels is None else labels[chosen] for labels in (self.further_starts, self.further_targets))
        return TokenSpans(
            tokens, self.path_start[chosen], self.lengths[chosen], self.offsets[chosen], self.layout, *further
        )
