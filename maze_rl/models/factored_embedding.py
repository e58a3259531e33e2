"""Embeddings that share what cells share: ``cell = row + column + own``, ``edge = cell + cell``, open sides.

A parametrization of ``W_E`` (rows are tokens) or ``W_U`` (columns are tokens): what is learned about a row
or a column serves every cell and edge in it, so a small budget covers the whole canvas. A closed edge adds one
vector that all walls share. A listed cell is its cell and one vector for each of its open sides, the same four for all
cells. It folds exactly: the folded matrix is the value it computes.
"""

import torch
from jaxtyping import Float, Int32, Int64
from numpy import ndarray
from torch import Tensor, nn

from maze_rl.tokenization.corner_first import Edge, edge_cells
from maze_rl.tokenization.layouts import Layout


class FactoredTokens(nn.Module):
    """Maps each token's own vector to own + the vectors of the rows and columns of its cells.

    Args:
        layout: The token format; names the cells of every token.
        d_model: Width of the residual stream.
        std: Standard deviation the row and column vectors start with.
        transposed: True for ``W_U``, whose tokens are columns.
        listed: Whether edges and listed cells are computed too; False for a ``W_U`` that writes paths alone.
    """

    cell_ids: Int64[Tensor, "canvas canvas"]
    edge_ids: Int64[Tensor, " edges"]
    edge_ends: Int64[Tensor, "edges 2"]
    wall_ids: Int64[Tensor, " walls"]
    open_cell_ids: Int64[Tensor, "listed 16"]

    def __init__(self, layout: Layout, d_model: int, std: float, transposed: bool, listed: bool = True) -> None:
        super().__init__()
        self.transposed, self.listed = transposed, listed
        self.rows = nn.Parameter(torch.randn(layout.canvas, d_model) * std)
        self.cols = nn.Parameter(torch.randn(layout.canvas, d_model) * std)
        cell_ids = torch.from_numpy(layout.cell_ids).long()
        edges = layout.words_from_edges.values()
        ends = [[int(cell_ids[cell]) for cell in edge_cells(edge)] for edge in edges]
        walls = layout.words_from_walls.values()
        if listed and walls:
            self.wall = nn.Parameter(torch.randn(d_model) * std)
        if listed and layout.lists_cells:
            self.sides = nn.Parameter(torch.randn(4, d_model) * std)
        for name, ids in (
            ("cell_ids", cell_ids),
            ("edge_ids", _long([_id(layout.edge_ids, edge) for edge in edges])),
            ("edge_ends", _long(ends).reshape(-1, 2)),
            ("wall_ids", _long([_id(layout.wall_ids, wall) for wall in walls])),
            ("open_cell_ids", _open_cells(layout)),
        ):
            self.register_buffer(name, ids, persistent=False)

    def forward(self, own: Float[Tensor, "d_first d_second"]) -> Float[Tensor, "d_first d_second"]:
        """Return the full matrix, of the shape of `own`."""
        tokens = own.T if self.transposed else own
        shared = self.rows[:, None] + self.cols[None, :]
        tokens = tokens.index_add(0, self.cell_ids.flatten(), shared.flatten(0, 1))
        if self.listed and len(self.edge_ids):
            ends = tokens[self.edge_ends[:, 0]] + tokens[self.edge_ends[:, 1]]
            tokens = tokens.index_copy(0, self.edge_ids, ends)
            if len(self.wall_ids):
                tokens = tokens.index_copy(0, self.wall_ids, ends + self.wall)
        if self.listed and len(self.open_cell_ids):
            is_open = torch.arange(16, device=tokens.device)[:, None] >> torch.arange(4, device=tokens.device) & 1
            listed = tokens[self.cell_ids.flatten()][:, None] + is_open.to(tokens.dtype) @ self.sides
            tokens = tokens.index_copy(0, self.open_cell_ids.flatten(), listed.flatten(0, 1))
        return tokens.T if self.transposed else tokens


def _open_cells(layout: Layout) -> Int64[Tensor, "listed 16"]:
    """Return the ids of all listed cells in the order of `cell_ids`; none where edges are listed."""
    ids = layout.open_cell_ids
    return torch.empty((0, 16), dtype=torch.long) if ids is None else torch.from_numpy(ids).long().flatten(0, 1)


def _id(table: Int32[ndarray, "2 canvas canvas"] | None, edge: Edge) -> int:
    assert table is not None
    return int(table[edge])


def _long(values: list[int] | list[list[int]]) -> Int64[Tensor, "..."]:
    return torch.tensor(values, dtype=torch.long)
