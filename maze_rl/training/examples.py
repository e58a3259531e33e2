"""Training examples: mazes encoded with a shortest path, and all optimal next tokens at every path position."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Int64
from numba import njit
from torch import Tensor

from maze_rl.mazes.breadth_first import is_open, step
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.solve import solve_batch
from maze_rl.tokenization.layouts import PATH_END
from maze_rl.tokenization.spans import TokenSpans
from maze_rl.tokenization.tokenization import Encoded, Tokenization, merge_encoded


@dataclass(frozen=True, eq=False)
class Examples:
    """A batch of sequences to learn from."""

    tokens: Int64[Tensor, "batch pos"]
    spans: TokenSpans
    optimal: Int64[Tensor, "batch pos 4"]
    """For each path position, every token that would be right there; -1 fills up, and all other positions."""

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, chosen: Tensor) -> "Examples":
        """Return the sequences `chosen`, cut to the longest of them."""
        length = int(self.spans.lengths[chosen].max())
        return Examples(self.tokens[chosen, :length], self.spans.rows(chosen, length), self.optimal[chosen, :length])


def encode_examples(tokenization: Tokenization, mazes: MazeCollection, seed: int, start: int) -> Examples:
    """Encode mazes number `start`, `start` + 1, ... of a stream; sequence i depends on (maze, seed, start + i)."""
    parts, optimal_parts = [], []
    indices = [mazes.indices_of(position) for position in range(len(mazes.batches))]
    for batch, where in zip(mazes.batches, indices, strict=True):
        solution = solve_batch(batch, seed, start + where)
        encoded = tokenization.encode_batch(batch, streams=start + where, seed=seed, solution=solution)
        optimal = np.full((*encoded.tokens.shape, 4), -1, np.int64)
        _fill_optimal(
            batch.connections, solution.distances, solution.paths, solution.lengths, encoded.spans.offsets.numpy(),
            tokenization.layout.cell_ids, encoded.spans.path_start.numpy(), optimal,
        )  # fmt: skip
        parts.append(encoded)
        optimal_parts.append(torch.from_numpy(optimal))
    merged: Encoded = merge_encoded(parts, indices, len(mazes))
    return Examples(merged.tokens, merged.spans, _merge_optimal(optimal_parts, indices, merged))


def _merge_optimal(parts: list[Tensor], indices: list[np.ndarray], merged: Encoded) -> Tensor:
    optimal = torch.full((*merged.tokens.shape, 4), -1, dtype=torch.int64)
    for part, where in zip(parts, indices, strict=True):
        optimal[torch.from_numpy(where), : part.shape[1]] = part
    return optimal


@njit(cache=True, nogil=True)
@no_type_check
def _fill_optimal(connections, distances, paths, lengths, offsets, cell_ids, path_start, optimal):
    """Write the right tokens: the origin first, then all optimal next cells, at the target the end."""
    cols = connections.shape[3]
    for index in range(len(connections)):
        field = distances[index].reshape(-1)
        row_offset, col_offset = offsets[index, 0], offsets[index, 1]
        at = path_start[index] + 1
        row, col = paths[index, 0, 0], paths[index, 0, 1]
        optimal[index, at, 0] = cell_ids[row + row_offset, col + col_offset]
        for position in range(lengths[index]):
            at += 1
            cell = np.int64(paths[index, position, 0]) * cols + paths[index, position, 1]
            count = 0
            for direction in range(4):
                if is_open(connections[index], cell, direction):
                    neighbour = step(cell, direction, cols)
                    if field[neighbour] == field[cell] - 1:
                        optimal[index, at, count] = cell_ids[
                            neighbour // cols + row_offset, neighbour % cols + col_offset
                        ]
                        count += 1
        optimal[index, at + 1, 0] = PATH_END
