"""Embeddings that share what cells share: ``cell = row + column + own``, ``edge = cell + cell``.

A parametrization of ``W_E`` (rows are tokens) or ``W_U`` (columns are tokens): what is learned about a row
or a column serves every cell and edge in it, so a small budget covers the whole canvas. It folds exactly:
the folded matrix is the value it computes.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from maze_rl.tokenization.corner_first import edge_cells
from maze_rl.tokenization.layouts import Layout


class FactoredTokens(nn.Module):
    """Maps each token's own vector to own + the vectors of the rows and columns of its cells.

    Args:
        layout: The token format; names the cells of every token.
        d_model: Width of the residual stream.
        std: Standard deviation the row and column vectors start with.
        transposed: True for ``W_U``, whose tokens are columns.
    """

    cell_ids: Int64[Tensor, "canvas canvas"]
    edge_ids: Int64[Tensor, " edges"]
    edge_ends: Int64[Tensor, "edges 2"]

    def __init__(self, layout: Layout, d_model: int, std: float, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed
        self.rows = nn.Parameter(torch.randn(layout.canvas, d_model) * std)
        self.cols = nn.Parameter(torch.randn(layout.canvas, d_model) * std)
        cell_ids = torch.from_numpy(layout.cell_ids).long()
        self.register_buffer("cell_ids", cell_ids, persistent=False)
        edges = [(edge_id, *edge_cells(edge)) for edge, edge_id in _edges_of(layout)]
        self.register_buffer("edge_ids", torch.tensor([edge[0] for edge in edges], dtype=torch.long), persistent=False)
        ends = torch.tensor([[cell_ids[a], cell_ids[b]] for _, a, b in edges], dtype=torch.long).reshape(-1, 2)
        self.register_buffer("edge_ends", ends, persistent=False)

    def forward(self, own: Float[Tensor, "d_first d_second"]) -> Float[Tensor, "d_first d_second"]:
        """Return the full matrix, of the shape of `own`."""
        tokens = own.T if self.transposed else own
        shared = self.rows[:, None] + self.cols[None, :]
        tokens = tokens.index_add(0, self.cell_ids.flatten(), shared.flatten(0, 1))
        if len(self.edge_ids):
            ends = tokens[self.edge_ends[:, 0]] + tokens[self.edge_ends[:, 1]]
            tokens = tokens.index_copy(0, self.edge_ids, ends)
        return tokens.T if self.transposed else tokens


def _edges_of(layout: Layout) -> list[tuple[tuple[int, int, int], int]]:
    return (
        [(edge, int(layout.edge_ids[edge])) for edge in layout.words_from_edges().values()]
        if layout.edge_ids is not None
        else []
    )
