"""Embeddings whose cells are linear maps of waves: a step to the right is the same turn of the features everywhere.

    cell (r, c) = phi(r) A + phi(c) B + own,   phi(n) = (cos(2 pi n / l_i), sin(2 pi n / l_i)) for wavelengths l_i

(Vaswani et al. 2017, section 3.5, with few, geometric wavelengths that fit a canvas). A listed edge is the sum of its
cells, a listed cell itself and a vector for each open side; all that is listed shares one more vector, which tells it
from the cells of query and path. Both matrices fold exactly: the folded one is the value computed here.
"""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.tokenization.corner_first import edge_cells
from maze_rl.tokenization.layouts import Layout

WAVELENGTHS = np.geomspace(2.3, 48.0, 8)
"""In cells: from just above two, so that neighbours differ, to twice the largest canvas shipped."""
_STD = 0.3
"""Standard deviation of each part of an embedding at the start: recalled beside a stream of unit size."""


def waves(canvas: int) -> Float[Tensor, "canvas features"]:
    """Return phi(0), phi(1), ... up to the side of the canvas."""
    angles = 2 * np.pi * np.arange(canvas)[:, None] / WAVELENGTHS
    return torch.from_numpy(np.concatenate([np.cos(angles), np.sin(angles)], axis=1))


class WaveTokens(nn.Module):
    """Maps the own vectors of words that are not listed to the whole of ``W_E``.

    Args:
        layout: The token format; names the cells of every token.
        d_model: Width of the residual stream.
        dtype: Parameter type.
    """

    def __init__(self, layout: Layout, d_model: int, dtype: torch.dtype) -> None:
        super().__init__()
        features = waves(layout.canvas).to(dtype)
        map_std = _STD * (2 / features.shape[1]) ** 0.5  # half of the features' squares are 1 in sum

        def drawn(*shape: int, std: float = _STD) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, dtype=dtype) * std)

        self.rows, self.cols = (drawn(features.shape[1], d_model, std=map_std) for _ in range(2))
        if layout.lists_cells or layout.edge_ids is not None:  # else a list is spelled by cells
            self.listed = drawn(d_model)
        if layout.lists_cells:
            self.sides = drawn(4, d_model)
        bits = torch.arange(16)[:, None] >> torch.arange(4) & 1
        tables = _tables(layout)
        for name, table in {"features": features, "side_sets": bits.to(dtype), **tables}.items():
            self.register_buffer(name, table, persistent=False)

    features: Float[Tensor, "canvas features"]
    side_sets: Float[Tensor, "16 4"]
    plain: Int64[Tensor, " plain"]
    """Ids of the words that are not listed."""
    cells: Int64[Tensor, "canvas canvas"]
    """Place of each cell among them."""
    ends: Int64[Tensor, "edges 2"]
    """The flat cells an edge joins."""
    order: Int64[Tensor, " d_vocab"]
    """Where each id stands among plain words, edges and listed cells, one after another."""

    def right_inverse(self, full: Float[Tensor, "d_vocab d_model"]) -> Float[Tensor, "plain d_model"]:
        """Return the first own vectors, as large as the other parts: those of `full` at another scale."""
        return full[self.plain] * (_STD / full.std())

    def forward(self, own: Float[Tensor, "plain d_model"]) -> Float[Tensor, "d_vocab d_model"]:
        """Return the full matrix."""
        shared = (self.features @ self.rows)[:, None] + (self.features @ self.cols)[None]
        plain = own.index_add(0, self.cells.flatten(), shared.flatten(0, 1))
        cells = plain[self.cells.flatten()]
        listed = []
        if len(self.ends):
            listed.append(cells[self.ends[:, 0]] + cells[self.ends[:, 1]] + self.listed)
        elif len(self.order) > len(plain):
            listed.append((cells[:, None] + self.side_sets @ self.sides + self.listed).flatten(0, 1))
        return torch.cat([plain, *listed])[self.order]


class CellColumns(nn.Module):
    """Adds to the columns of ``W_U`` that are cells a vector for their row and one for their column."""

    cell_ids: Int64[Tensor, "canvas canvas"]

    def __init__(self, layout: Layout, d_model: int, std: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.rows, self.cols = (nn.Parameter(torch.randn(layout.canvas, d_model, dtype=dtype) * std) for _ in range(2))
        self.register_buffer("cell_ids", torch.from_numpy(layout.cell_ids).long(), persistent=False)

    def forward(self, own: Float[Tensor, "d_model d_vocab"]) -> Float[Tensor, "d_model d_vocab"]:
        """Return the full matrix."""
        shared = self.rows[:, None] + self.cols[None]
        return own.index_add(1, self.cell_ids.flatten(), shared.flatten(0, 1).T)


def share_waves(model: HookedTransformer, layout: Layout) -> None:
    """Parametrize ``W_E`` by waves, and ``W_U`` by rows and columns, where it has logits of cells."""
    d_model, dtype = model.cfg.d_model, model.cfg.dtype
    parametrize.register_parametrization(model.embed, "W_E", WaveTokens(layout, d_model, dtype))
    if layout.path_as_moves and parametrize.is_parametrized(model.unembed, "W_U"):
        return  # the words of a path alone, and cells are none
    std = 0.8 / (3 * d_model) ** 0.5  # of three parts, so that the first loss is near ln V
    columns = CellColumns(layout, d_model, std, dtype)
    parametrize.register_parametrization(model.unembed, "W_U", columns)


def _tables(layout: Layout) -> dict[str, Tensor]:
    """Return the index tables of `WaveTokens`."""
    canvas = layout.canvas
    flat = np.arange(canvas * canvas).reshape(canvas, canvas)
    edges = list(layout.words_from_edges.values())
    ends = np.array([[flat[cell] for cell in edge_cells(edge)] for edge in edges], np.int64).reshape(-1, 2)
    edge_ids = np.array([layout.edge_ids[edge] for edge in edges], np.int64) if layout.edge_ids is not None else []
    listed = np.asarray(edge_ids, np.int64)
    if layout.open_cell_ids is not None:
        listed = np.concatenate([listed, layout.open_cell_ids.reshape(-1)])
    plain = np.setdiff1d(np.arange(len(layout.words)), listed)
    order = np.empty(len(layout.words), np.int64)
    order[np.concatenate([plain, listed])] = np.arange(len(order))
    cells = np.searchsorted(plain, layout.cell_ids)
    tables = {"plain": plain, "cells": cells, "ends": ends, "order": order}
    return {name: torch.from_numpy(np.asarray(table, np.int64)) for name, table in tables.items()}
