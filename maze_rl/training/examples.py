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
    """For each path position, every token that would be right there; -1 fills up, and all other positions.

    Where a cell takes several tokens, a token is right if it goes on, behind the tokens that stand there, to some
    optimal cell.
    """

    def __len__(self) -> int:
        return len(self.tokens)

    def rows(self, chosen: Tensor) -> "Examples":
        """Return the sequences `chosen`, cut to the longest of them."""
        length = int(self.spans.lengths[chosen].max())
        return Examples(self.tokens[chosen, :length], self.spans.rows(chosen, length), self.optimal[chosen, :length])


def encode_examples(tokenization: Tokenization, mazes: MazeCollection, seed: int, start: int) -> Examples:
    """Encode mazes number `start`, `start` + 1, ... of a stream; sequence i depends on (maze, seed, start + i)."""
    parts, optimal_parts = [], []
    layout = tokenization.layout
    indices = [mazes.indices_of(position) for position in range(len(mazes.batches))]
    for batch, where in zip(mazes.batches, indices, strict=True):
        solution = solve_batch(batch, seed, start + where)
        encoded = tokenization.encode_batch(batch, streams=start + where, seed=seed, solution=solution)
        optimal = np.full((*encoded.tokens.shape, 4), -1, np.int64)
        _fill_optimal(
            batch.connections, solution.distances, solution.paths, solution.lengths, encoded.spans.offsets.numpy(),
            layout.cell_tokens, layout.path_move_ids, encoded.spans.path_start.numpy(), optimal,
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
def _fill_optimal(connections, distances, paths, lengths, offsets, cell_tokens, moves, path_start, optimal):
    """Write the right tokens: the origin first, then those of all optimal next cells, at the target the end."""
    cols = connections.shape[3]
    tokens_per_cell = cell_tokens.shape[2]
    ids = np.empty((4, tokens_per_cell), np.int64)
    for index in range(len(connections)):
        field = distances[index].reshape(-1)
        row_offset, col_offset = offsets[index, 0], offsets[index, 1]
        at = path_start[index] + 1
        if len(moves) == 0:
            origin = cell_tokens[paths[index, 0, 0] + row_offset, paths[index, 0, 1] + col_offset]
            optimal[index, at : at + tokens_per_cell, 0] = origin
            at += tokens_per_cell
        for position in range(lengths[index]):
            cell = np.int64(paths[index, position, 0]) * cols + paths[index, position, 1]
            count = 0
            for direction in range(4):
                if is_open(connections[index], cell, direction):
                    neighbour = step(cell, direction, cols)
                    if field[neighbour] == field[cell] - 1:
                        if len(moves) > 0:
                            ids[count, 0] = moves[direction]
                        else:
                            ids[count] = cell_tokens[neighbour // cols + row_offset, neighbour % cols + col_offset]
                        count += 1
            if len(moves) > 0 or tokens_per_cell == 1:
                optimal[index, at, :count] = ids[:count, 0]
                at += 1
                continue
            taken = cell_tokens[paths[index, position + 1, 0] + row_offset, paths[index, position + 1, 1] + col_offset]
            _fill_cell(ids[:count], taken, optimal[index, at : at + tokens_per_cell])
            at += tokens_per_cell
        optimal[index, at, 0] = PATH_END


@njit(cache=True, nogil=True)
@no_type_check
def _fill_cell(ids, taken, optimal):
    """Write, for each token of the cell `taken`, each next token of the cells `ids` that agree with it so far, once."""
    for place in range(len(taken)):
        count = 0
        for choice in range(len(ids)):
            if (ids[choice, :place] == taken[:place]).all():
                token, known = ids[choice, place], False
                for earlier in range(count):
                    known |= optimal[place, earlier] == token
                if not known:
                    optimal[place, count] = token
                    count += 1
