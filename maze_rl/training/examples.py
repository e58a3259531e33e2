"""Training examples: mazes encoded with a shortest path; for every path position the right and the legal tokens."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Bool, Int64
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
    """For each path position a model writes, every token that would be right; -1 fills up, and all other positions.

    Where a cell takes several tokens, a token is right if it goes on, behind the tokens that stand there, to some
    optimal cell.
    """
    legal: Int64[Tensor, "batch pos 4"]
    """The tokens of `optimal`, in the same places, then those of all other moves through an open edge, back included.

    At the target ``<PATH_END>`` stands alone: the path is over.
    """
    forks: Bool[Tensor, "batch pos"]
    """True for the tokens of a move that was one of several, going back not counted."""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def num_tokens(self) -> int:
        """Tokens without padding."""
        return int(self.spans.lengths.sum())

    @property
    def padded_tokens(self) -> int:
        """Tokens with padding."""
        return self.tokens.numel()

    @property
    def longest_path(self) -> int:
        """Steps of the longest path."""
        layout, tokens = self.spans.layout, int((self.spans.lengths - self.spans.answer_start).max()) - 1
        return tokens // layout.tokens_per_step - (not layout.starts_at_origin)

    def rows(self, chosen: Tensor) -> "Examples":
        """Return the sequences `chosen`, cut to the longest of them."""
        length = int(self.spans.lengths[chosen].max())
        labels = (self.optimal[chosen, :length], self.legal[chosen, :length], self.forks[chosen, :length])
        return Examples(self.tokens[chosen, :length], self.spans.rows(chosen, length), *labels)


def encode_examples(tokenization: Tokenization, mazes: MazeCollection, seed: int, start: int) -> Examples:
    """Encode mazes number `start`, `start` + 1, ... of a stream; sequence i depends on (maze, seed, start + i)."""
    layout = tokenization.layout
    parts, labels = [], []
    indices = [mazes.indices_of(position) for position in range(len(mazes.batches))]
    for batch, where in zip(mazes.batches, indices, strict=True):
        solution = solve_batch(batch, seed, start + where)
        encoded = tokenization.encode_batch(batch, streams=start + where, seed=seed, solution=solution)
        optimal, legal = np.full((2, *encoded.tokens.shape, 4), -1, np.int64)
        forks = np.zeros(encoded.tokens.shape, np.bool_)
        _fill_labels(
            batch.connections, solution.distances, solution.paths, solution.lengths, encoded.spans.offsets.numpy(),
            layout.cell_tokens, layout.path_move_ids, layout.starts_at_origin, encoded.spans.answer_start.numpy(),
            optimal, legal, forks,
        )  # fmt: skip
        parts.append(encoded)
        labels.append((optimal, legal, forks))
    merged: Encoded = merge_encoded(parts, indices, len(mazes))
    shape = merged.tokens.shape
    filled = [torch.full((*shape, 4), -1), torch.full((*shape, 4), -1), torch.zeros(shape, dtype=torch.bool)]
    for where, found in zip(indices, labels, strict=True):
        for whole, part in zip(filled, found, strict=True):
            whole[torch.from_numpy(where), : part.shape[1]] = torch.from_numpy(part)
    return Examples(merged.tokens, merged.spans, *filled)


@njit(cache=True, nogil=True)
@no_type_check
def _fill_labels(
    connections, distances, paths, lengths, offsets, cell_tokens, moves, starts_at_origin, answer_start,
    optimal, legal, forks,
):  # fmt: skip
    """Write the right tokens: the origin if it is written, those of all optimal next cells, at the target the end."""
    cols = connections.shape[3]
    as_moves, size = len(moves) > 0, 1 if len(moves) > 0 else cell_tokens.shape[2]
    right, other, taken = np.empty((4, size), np.int64), np.empty((4, size), np.int64), np.empty(size, np.int64)
    for index in range(len(connections)):
        field = distances[index].reshape(-1)
        row_offset, col_offset = offsets[index, 0], offsets[index, 1]
        at = answer_start[index]
        if not starts_at_origin:
            origin = cell_tokens[paths[index, 0, 0] + row_offset, paths[index, 0, 1] + col_offset]
            optimal[index, at : at + size, 0] = legal[index, at : at + size, 0] = origin
            at += size
        for position in range(lengths[index]):
            cell = np.int64(paths[index, position, 0]) * cols + paths[index, position, 1]
            num_right, num_other = 0, 0
            for direction in range(4):
                if not is_open(connections[index], cell, direction):
                    continue
                neighbour = step(cell, direction, cols)
                if field[neighbour] == field[cell] - 1:
                    ids, num_right = right[num_right], num_right + 1
                else:
                    ids, num_other = other[num_other], num_other + 1
                if as_moves:
                    ids[0] = moves[direction]
                else:
                    ids[:] = cell_tokens[neighbour // cols + row_offset, neighbour % cols + col_offset]
            # one of the ways leads back, except at the origin
            forks[index, at : at + size] = num_right + num_other > (1 if position == 0 else 2)
            if size > 1:
                following = paths[index, position + 1]
                taken[:] = cell_tokens[following[0] + row_offset, following[1] + col_offset]
            _fill_move(right[:num_right], other[:num_other], taken, optimal[index, at:], legal[index, at:])
            at += size
        optimal[index, at, 0] = legal[index, at, 0] = PATH_END


@njit(cache=True, nogil=True)
@no_type_check
def _fill_move(right, other, taken, optimal, legal):
    """Write for each token of the move `taken` the tokens of right, then of other moves that agree with it so far."""
    for place in range(right.shape[1]):
        count = 0
        for ids in right:
            count = _add_token(ids, taken, place, optimal[place], count)
        legal[place] = optimal[place]
        for ids in other:
            count = _add_token(ids, taken, place, legal[place], count)


@njit(inline="always")
@no_type_check
def _add_token(ids, taken, place, known, count):
    """Append the token at `place` if the tokens before it are those taken and it is not known; return the count."""
    if not (ids[:place] == taken[:place]).all():
        return count
    for earlier in range(count):
        if known[earlier] == ids[place]:
            return count
    known[count] = ids[place]
    return count + 1
