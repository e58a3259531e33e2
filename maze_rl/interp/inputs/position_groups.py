"""Groups of positions that patching is summed over: the changed slot, the path's edges, the rest, fork, target."""

import numpy as np
import torch
from jaxtyping import Bool
from numpy import ndarray
from torch import Tensor

from maze_rl.interp.inputs.patching_pairs import PatchingPairs
from maze_rl.mazes.solve import solve_batch
from maze_rl.tokenization.spans import Region

CHANGED, ON_PATH, OFF_PATH, FORK = "changed slot", "edges of the path", "other edges", "fork"


def position_groups(
    pairs: PatchingPairs, slot: Bool[Tensor, "pair pos"] | None = None
) -> dict[str, Bool[Tensor, "pair pos"]]:
    """Return masks of the tokens of each group; together they hold every token, each once.

    Args:
        pairs: The pairs; edges of the path are those of the clean maze's path from fork to target, the changed slot's
            own left out.
        slot: The changed slot: None for the flip's; `pairs.control_slot` where the control is patched, which changes
            another one.
    """
    spans, slot = pairs.spans, pairs.slot if slot is None else slot
    listed = spans.regions == Region.ADJACENCY
    on_path = listed & torch.from_numpy(_on_way(pairs)) & ~slot
    fork = spans.positions == pairs.position[:, None]
    # an origin given on the path may be the fork itself
    origin, target = ((spans.regions == region) & ~fork for region in (Region.ORIGIN, Region.TARGET))
    path = (spans.regions == Region.PATH) & ~fork
    groups = {
        CHANGED: slot,
        ON_PATH: on_path,
        OFF_PATH: listed & ~on_path & ~slot,
        "origin": origin,
        "target": target,
        "path before": path,
    }
    marks = spans.real & ~fork & ~torch.stack(list(groups.values())).any(dim=0)
    return groups | {"marks": marks, FORK: fork}


def _on_way(pairs: PatchingPairs) -> Bool[ndarray, "pair pos"]:
    """Tell which listed edges lie on the clean maze's path from the fork on."""
    clean, cols = pairs.pairs.clean, pairs.pairs.clean.shape[1]
    paths = solve_batch(clean).paths.astype(np.int64)
    flat = np.where(paths[..., 0] >= 0, paths[..., 0] * cols + paths[..., 1], -1)
    flat[np.arange(flat.shape[1]) < pairs.pairs.fork_index[:, None]] = -1
    first, second = np.minimum(flat[:, :-1], flat[:, 1:]), np.maximum(flat[:, :-1], flat[:, 1:])
    edges = pairs.spans.edges.numpy().astype(np.int64)
    low = edges[..., 1] * cols + edges[..., 2]
    high = low + np.where(edges[..., 0] == 0, cols, 1)
    same = (low[:, :, None] == first[:, None]) & (high[:, :, None] == second[:, None]) & (first[:, None] >= 0)
    return same.any(axis=2) & (edges[..., 0] >= 0)
