"""One edge of a maze written over another: the rest of the sequence keeps its tokens and positions.

Where edges are listed, the new edge takes the very slot of the old one, and its orientation: where the old edge named
its lower cell (upper left) first, so does the new one. Where cells are listed, up to four of them change: the two ends
of the old edge lose a side, those of the new one gain one. Two mazes that differ in one edge thus become sequences of
equal length that differ in one slot or in up to four, which activation patching needs to compare them position by
position.
"""

import numpy as np
import torch
from jaxtyping import Bool, Int16, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.errors import ConfigurationError
from maze_rl.tokenization.spans import Region, TokenSpans
from maze_rl.tokenization.tokenization import Encoded

_SIDES = ((1, 4), (2, 8))
"""By the direction of an edge: its bit in the open sides of its lower cell, and of the other."""


def edge_slots(spans: TokenSpans, edges: Int16[ndarray, "batch 3"]) -> Bool[Tensor, "batch pos"]:
    """Mark the tokens that tell of one open edge (direction, row, col) of each maze.

    They are those that write it, its connector and separator included; where cells are listed, its two cells.

    Raises:
        ConfigurationError: The format lists walls as well, or a maze does not list its edge.
    """
    if spans.layout.walls:
        raise ConfigurationError("walls=True: an edge also has a wall's slot to change; use walls=False.")
    if spans.layout.lists_cells:
        lower, upper = (_listed(spans, edges, end) for end in (0, 1))
        side = torch.tensor(_SIDES)[torch.from_numpy(edges[:, 0]).long(), 0]
        opened = (lower & (spans.open_sides & side[:, None]).bool()).any(dim=1)
        slots = (lower | upper) & opened[:, None]
    else:
        slots = (spans.edges == torch.from_numpy(edges)[:, None]).all(dim=-1)
    missing = (~slots.any(dim=1)).nonzero()[:, 0].tolist()
    if missing:
        direction, row, col = edges[missing[0]].tolist()
        raise ConfigurationError(
            f"sequence {missing[0]} lists no edge {'right' if direction else 'down'} of ({row}, {col}): "
            "name an open one."
        )
    return slots


def replaced_slots(
    spans: TokenSpans, removed: Int16[ndarray, "batch 3"], added: Int16[ndarray, "batch 3"]
) -> Bool[Tensor, "batch pos"]:
    """Mark the tokens that `replace_edge` may change.

    They are the slot of `removed`; where cells are listed, the ends of both edges.

    Raises:
        ConfigurationError: As `edge_slots`, of the edge `removed`.
    """
    slots = edge_slots(spans, removed)
    if spans.layout.lists_cells:
        slots = slots | _listed(spans, added, 0) | _listed(spans, added, 1)
    return slots


def replace_edge(
    encoded: Encoded, removed: Int16[ndarray, "batch 3"], added: Int16[ndarray, "batch 3"]
) -> Int64[Tensor, "batch pos"]:
    """Return the tokens with the edge `added` written in place of the edge `removed`.

    Args:
        encoded: Sequences without walls, of any format.
        removed: Edge (direction, row, col), in the maze's own coordinates, that each sequence lists.
        added: Edge that takes its place. The path stays as it is, whether or not it is still right.

    Raises:
        ConfigurationError: As `edge_slots`.
    """
    spans = encoded.spans
    slots = edge_slots(spans, removed)
    if spans.layout.lists_cells:
        tokens = encoded.tokens.clone()
        for edges, opened in ((removed, False), (added, True)):
            for end in (0, 1):
                _change_side(tokens, spans, edges, end, opened)
        return tokens
    return _renamed(encoded, slots.int().argmax(dim=1)[:, None], removed, added)


def _renamed(encoded: Encoded, start: Tensor, removed: ndarray, added: ndarray) -> Int64[Tensor, "batch pos"]:
    """Write the edge `added` from the positions `start` on, where `removed` is listed."""
    tokens, spans, layout = encoded.tokens.clone(), encoded.spans, encoded.spans.layout
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


def _change_side(tokens: Tensor, spans: TokenSpans, edges: ndarray, end: int, opened: bool) -> None:
    """Open or close, in place, the side of each edge's lower (0) or other (1) cell that the edge leaves by."""
    layout, rows = spans.layout, torch.arange(len(tokens))
    assert layout.open_cell_ids is not None  # cells are listed
    at = _listed(spans, edges, end).int().argmax(dim=1)
    row, col, sides = layout.open_cell_of_id[tokens[rows, at].numpy()].T
    bit = np.array(_SIDES)[edges[:, 0], end]
    changed = sides | bit if opened else sides & ~bit
    tokens[rows, at] = torch.from_numpy(layout.open_cell_ids[row, col, changed]).long()


def _listed(spans: TokenSpans, edges: ndarray, end: int) -> Bool[Tensor, "batch pos"]:
    """Mark where each edge's lower (0) or other (1) cell is listed."""
    cells = torch.from_numpy(_ends(edges, np.zeros(2, np.int16))[end])
    return (spans.regions == Region.ADJACENCY) & (spans.cells == cells[:, None]).all(dim=-1)


def _ends(edges: ndarray, offsets: ndarray) -> tuple[ndarray, ndarray]:
    """Return the lower and the upper cell of each edge on the canvas, Int[batch, 2]."""
    lower = edges[:, 1:] + offsets
    return lower, lower + np.stack([edges[:, 0] == 0, edges[:, 0] == 1], axis=1)


def _spelled(encoded: Encoded, cells: ndarray) -> Int64[Tensor, "batch tokens_per_cell"]:
    return torch.from_numpy(encoded.spans.layout.cell_tokens[cells[:, 0], cells[:, 1]]).long()
