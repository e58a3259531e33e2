"""One edge of an adjacency list written over another: the rest of the sequence keeps its tokens and positions.

The new edge takes the very slot of the old one, and its orientation: where the old edge named its lower cell (upper
left) first, so does the new one. Two mazes that differ in one edge thus become sequences of equal length that differ in
one slot, which activation patching needs to compare them position by position.
"""

import numpy as np
import torch
from jaxtyping import Bool, Int16, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.errors import ConfigurationError
from maze_rl.tokenization.spans import TokenSpans
from maze_rl.tokenization.tokenization import Encoded


def edge_slots(spans: TokenSpans, edges: Int16[ndarray, "batch 3"]) -> Bool[Tensor, "batch pos"]:
    """Mark the tokens that write one edge (direction, row, col) of each maze, its connector and separator included.

    Raises:
        ConfigurationError: The format lists cells, or walls as well, or a maze does not list its edge.
    """
    if spans.layout.lists_cells:
        raise ConfigurationError(
            "format cells: an edge has no slot, two cells tell of it; use a format that lists edges, such as edges."
        )
    if spans.layout.walls:
        raise ConfigurationError("walls=True: an edge also has a wall's slot to change; use walls=False.")
    slots = (spans.edges == torch.from_numpy(edges)[:, None]).all(dim=-1)
    missing = (~slots.any(dim=1)).nonzero()[:, 0].tolist()
    if missing:
        direction, row, col = edges[missing[0]].tolist()
        raise ConfigurationError(
            f"sequence {missing[0]} lists no edge {'right' if direction else 'down'} of ({row}, {col}): "
            "name an open one."
        )
    return slots


def replace_edge(
    encoded: Encoded, removed: Int16[ndarray, "batch 3"], added: Int16[ndarray, "batch 3"]
) -> Int64[Tensor, "batch pos"]:
    """Return the tokens with the edge `added` written into the slot of the edge `removed`.

    Args:
        encoded: Sequences without walls, of any format.
        removed: Edge (direction, row, col), in the maze's own coordinates, that each sequence lists.
        added: Edge that comes into its slot. The path stays as it is, whether or not it is still right.

    Raises:
        ConfigurationError: As `edge_slots`.
    """
    tokens, spans, layout = encoded.tokens.clone(), encoded.spans, encoded.spans.layout
    start = edge_slots(spans, removed).int().argmax(dim=1)[:, None]
    lower, upper = _ends(added, spans.offsets.numpy())
    if layout.edge_ids is not None:
        names = layout.edge_ids[added[:, 0], lower[:, 0], lower[:, 1]]
        return tokens.scatter(1, start, torch.from_numpy(names)[:, None].long())
    size = layout.tokens_per_cell
    first, second = (start + place + torch.arange(size) for place in (0, size + layout.connectors))
    rows = torch.arange(len(tokens))[:, None]
    lower_first = (tokens[rows, first] == _spelled(encoded, _ends(removed, spans.offsets.numpy())[0])).all(dim=1)
    new_lower, new_upper = _spelled(encoded, lower), _spelled(encoded, upper)
    tokens[rows, first] = torch.where(lower_first[:, None], new_lower, new_upper)
    tokens[rows, second] = torch.where(lower_first[:, None], new_upper, new_lower)
    return tokens


def _ends(edges: ndarray, offsets: ndarray) -> tuple[ndarray, ndarray]:
    """Return the lower and the upper cell of each edge on the canvas, Int[batch, 2]."""
    lower = edges[:, 1:] + offsets
    return lower, lower + np.stack([edges[:, 0] == 0, edges[:, 0] == 1], axis=1)


def _spelled(encoded: Encoded, cells: ndarray) -> Int64[Tensor, "batch tokens_per_cell"]:
    return torch.from_numpy(encoded.spans.layout.cell_tokens[cells[:, 0], cells[:, 1]]).long()
