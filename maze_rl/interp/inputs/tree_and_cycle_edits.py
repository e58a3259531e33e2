"""Mazes between the members of a flip pair: both edges open, so that one edge alone is added or removed.

From a flip pair M = T + (a, b), M' = T + (x, y) comes M+ = T + (a, b) + (x, y). Opening (x, y) turns M into M+; closing
(a, b) turns M+ into M'. What is right at the fork u in M+ is asked of the oracle: the way by (a, b), that by (x, y), or
either where they are level.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.inputs.patching_pairs import PatchingPairs
from maze_rl.interp.requirements import analysed_tokenization, check_written
from maze_rl.mazes.lattice import MazeBatch, trusted_batch
from maze_rl.mazes.oracle import label_paths
from maze_rl.tokenization.edge_slots import edge_slots
from maze_rl.tokenization.layouts import PADDING, STEPS
from maze_rl.tokenization.tokenization import Tokenization


@dataclass(frozen=True, eq=False)
class CycleEdits(Shown):
    """M+ of each flip pair: the maze, its tokens up to and with the fork, and what is right there."""

    batch: MazeBatch
    tokens: Int64[Tensor, "pair pos"]
    position: Int64[Tensor, " pair"]
    """Decision position in `tokens`."""
    slot_end: Int64[Tensor, " pair"]
    """Last token that tells of (a, b), the edge to be removed: of its slot, or the later one of its two cells."""
    still_right: Bool[ndarray, " pair"]
    """w, right in M, alone is right in M+: removing (a, b) changes the decision."""
    now_wrong: Bool[ndarray, " pair"]
    """w', right in M', alone is right in M+: adding (x, y) to M changed the decision."""


def open_added_edges(tokenization: Tokenization, pairs: PatchingPairs, *, seed: int = 0) -> CycleEdits:
    """Build M+ of each pair and write it as tokens; the path is that of the pair, s to u.

    Args:
        tokenization: That of the pairs.
        pairs: The pairs.
        seed: Seed of the edge order, which is another than that of the pair.

    Raises:
        ConfigurationError: The pairs are written in other words.
    """
    check_written(tokenization, pairs.spans.layout)
    edits, num = pairs.pairs, len(pairs)
    connections = edits.clean.connections.copy()
    connections[(np.arange(num), *edits.added.T)] = True
    batch = trusted_batch(connections, edits.clean.origins, edits.clean.targets)
    prompt, spans = analysed_tokenization(tokenization).encode_batch(
        batch, streams=edits.base, seed=seed, prompt_only=True
    )
    # an origin given on the path comes with the path below
    length = int(spans.path_start.max()) + 1
    prompt = prompt[:, :length]
    path = pairs.clean[torch.arange(num)[:, None], _after(pairs.spans.path_start, pairs.clean.shape[1])]
    steps = pairs.position - pairs.spans.path_start
    path = torch.where(torch.arange(path.shape[1]) < steps[:, None], path, PADDING)[:, : int(steps.max())]
    slots = edge_slots(spans, edits.removed)
    last = (slots[:, :length] * torch.arange(length)).argmax(dim=1)
    optimal = label_paths(batch, edits.forks[:, None], np.ones(num, np.int64)).optimal[:, 0]
    still_right, now_wrong = (
        (optimal == (edits.forks[:, None] + STEPS == step[:, None]).all(axis=2)).all(axis=1)
        for step in (edits.right, edits.wrong)
    )
    return CycleEdits(batch, torch.cat([prompt, path], dim=1), length - 1 + steps, last, still_right, now_wrong)


def _after(start: Int64[Tensor, " pair"], length: int) -> Int64[Tensor, "pair pos"]:
    """Return the positions behind `start`, held at the last one."""
    return (start[:, None] + 1 + torch.arange(length)).clamp(max=length - 1)
