"""Groups of positions that patching is summed over: the changed slot, the path, the rest, fork, target."""

import numpy as np
import torch
from jaxtyping import Bool
from numpy import ndarray
from torch import Tensor

from maze_rl.interp.inputs.patching_pairs import PatchingPairs
from maze_rl.mazes.solve import solve_batch
from maze_rl.tokenization.layouts import Layout
from maze_rl.tokenization.spans import Region

CHANGED, FORK, FORK_CELL = "changed slot", "fork", "the fork's own cell"


def listed_groups(layout: Layout) -> tuple[str, str]:
    """Return the names of the groups of what the prompt lists: on the path, and off it."""
    what = "cells" if layout.lists_cells else "edges"
    return f"{what} of the path", f"other {what}"


def position_groups(
    pairs: PatchingPairs, slot: Bool[Tensor, "pair pos"] | None = None
) -> dict[str, Bool[Tensor, "pair pos"]]:
    """Return masks of the tokens of each group; together they hold every token, each once.

    Args:
        pairs: The pairs; edges (or cells) of the path are those of the clean maze's path from fork to target, the
            changed slot's own left out. Where the prompt lists cells, that of the fork has a group of its own.
        slot: The changed slot: None for the flip's; `pairs.control_slot` where the control is patched, which changes
            another one.
    """
    spans, slot = pairs.spans, pairs.slot if slot is None else slot
    listed = spans.regions == Region.ADJACENCY
    way = torch.from_numpy(_cells_on_way(pairs) if spans.layout.lists_cells else _edges_on_way(pairs))
    fork = spans.positions == pairs.position[:, None]
    of_fork = listed & (spans.cells == torch.from_numpy(pairs.pairs.forks)[:, None]).all(dim=-1) & ~slot
    if not spans.layout.lists_cells:
        of_fork = torch.zeros_like(of_fork)
    on_path = listed & way & ~slot & ~of_fork
    # an origin given on the path may be the fork itself
    origin, target = ((spans.regions == region) & ~fork for region in (Region.ORIGIN, Region.TARGET))
    path = (spans.regions == Region.PATH) & ~fork
    on, off = listed_groups(spans.layout)
    groups = {CHANGED: slot} | ({FORK_CELL: of_fork} if spans.layout.lists_cells else {})
    groups |= {
        on: on_path,
        off: listed & ~on_path & ~slot & ~of_fork,
        "origin": origin,
        "target": target,
        "path before": path,
    }
    marks = spans.real & ~fork & ~torch.stack(list(groups.values())).any(dim=0)
    return groups | {"marks": marks, FORK: fork}


def _edges_on_way(pairs: PatchingPairs) -> Bool[ndarray, "pair pos"]:
    """Tell which listed edges lie on the clean maze's path from the fork on."""
    cols, flat = pairs.pairs.clean.shape[1], _way(pairs)
    first, second = np.minimum(flat[:, :-1], flat[:, 1:]), np.maximum(flat[:, :-1], flat[:, 1:])
    edges = pairs.spans.edges.numpy().astype(np.int64)
    low = edges[..., 1] * cols + edges[..., 2]
    high = low + np.where(edges[..., 0] == 0, cols, 1)
    same = (low[:, :, None] == first[:, None]) & (high[:, :, None] == second[:, None]) & (first[:, None] >= 0)
    return same.any(axis=2) & (edges[..., 0] >= 0)


def _cells_on_way(pairs: PatchingPairs) -> Bool[ndarray, "pair pos"]:
    """Tell which tokens name cells of the clean maze's path from the fork on."""
    cells = pairs.spans.cells.numpy().astype(np.int64)
    named = np.where(cells[..., 0] >= 0, cells[..., 0] * pairs.pairs.clean.shape[1] + cells[..., 1], -2)
    return (named[:, :, None] == _way(pairs)[:, None]).any(axis=2)


def _way(pairs: PatchingPairs) -> ndarray:
    """Return the cells of the clean maze's path, numbered row by row; -1 before the fork and after the target."""
    clean = pairs.pairs.clean
    paths = solve_batch(clean).paths.astype(np.int64)
    flat = np.where(paths[..., 0] >= 0, paths[..., 0] * clean.shape[1] + paths[..., 1], -1)
    flat[np.arange(flat.shape[1]) < pairs.pairs.fork_index[:, None]] = -1
    return flat
