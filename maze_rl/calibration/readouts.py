"""Unembeddings of the hand-built models: how the next cell is chosen among the open neighbours."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from maze_rl.calibration.residual_layout import ResidualLayout

Readout = Callable[[ResidualLayout, float], Float64[ndarray, "d_model cells"]]
"""(layout, unit of preference) -> logits of the cells as a linear map of the residual stream, neighbours left out."""

_UNIT = 10.0
_TIE_BREAK = 0.2


def nearest(at: ResidualLayout, unit: float) -> Float64[ndarray, "d_model cells"]:
    """Prefer cells by their nearness, as the wave left it."""
    return _readings(at, {"nearness": unit})


def alive(at: ResidualLayout, unit: float) -> Float64[ndarray, "d_model cells"]:
    """Prefer cells that no dead end swallowed."""
    return _readings(at, {"alive": unit})


def greedy(at: ResidualLayout, unit: float) -> Float64[ndarray, "d_model cells"]:
    """Prefer cells by their Manhattan distance to the target; stepping back is the last resort."""
    logits = _readings(at, {"previous": -3.0 * unit * at.canvas})
    logits[at["target"]] -= unit * manhattan_steps(at)
    return logits


def manhattan_steps(at: ResidualLayout) -> Int64[ndarray, "cells cells"]:
    """Return the Manhattan distance of every two cells of the canvas."""
    row, col = np.divmod(np.arange(at.num_cells), at.canvas)
    return np.abs(row[:, None] - row) + np.abs(col[:, None] - col)


def unembedding(
    at: ResidualLayout,
    readout: Readout,
    rounds: int,
    cell_ids: ndarray,
    end_id: int,
    d_vocab: int,
    ties: np.random.Generator,
) -> tuple[Float64[ndarray, "d_model d_vocab"], Float64[ndarray, " d_vocab"]]:
    """Return W_U and b_U: open neighbours first, among them what `readout` prefers; at the target, the end.

    Where the origin is brought in a field of its own (at ``<PATH_START>``), it is the next token.

    Neighbours that are level differ by a little that is random and fixed for each cell, so that where the algorithm
    has nothing to say the choice follows no direction.
    """
    weights, bias = np.zeros((at.d_model, d_vocab)), np.zeros(d_vocab)
    # more than any preference, and no more than needed: a small error in `neighbours` must not scramble the choice
    most = 2 * _UNIT * max(rounds, 4 * at.canvas)
    sure = {name: most for name in ("neighbours", "origin") if name in at}
    weights[:, cell_ids] = readout(at, _UNIT) + _readings(at, sure)
    weights[at["arrived"], end_id] = 2 * most
    bias[cell_ids] = _TIE_BREAK * ties.permutation(at.num_cells) / at.num_cells
    return weights, bias


def _readings(at: ResidualLayout, fields: dict[str, float]) -> Float64[ndarray, "d_model cells"]:
    logits = np.zeros((at.d_model, at.num_cells))
    for name, factor in fields.items():
        logits[at[name], np.arange(at.num_cells)] = factor
    return logits
