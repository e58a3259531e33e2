"""The compiled kernels behind `Examples`: right and legal next tokens along a path, and at many starts.

Cells are flat indices ``row * cols + col`` of the maze; a maze lies at its offset on the canvas.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from maze_rl.mazes.breadth_first import is_open, step
from maze_rl.mazes.counter_random import below, start_stream
from maze_rl.tokenization.layouts import NORTH, PATH_END


@njit(cache=True, nogil=True)
@no_type_check
def label_paths(
    connections,
    distances,
    paths,
    lengths,
    offsets,
    cell_tokens,
    moves,
    turns,
    starts_at_origin,
    answer_start,
    optimal,
    legal,
    forks,
    remaining,
):
    """Write the right tokens: the origin if it is written, those of all optimal next cells, at the target the end."""
    cols = connections.shape[3]
    as_moves, size = len(moves) > 0, 1 if len(moves) > 0 else cell_tokens.shape[2]
    right, other, taken = np.empty((4, size), np.int64), np.empty((4, size), np.int64), np.empty(size, np.int64)
    for index in range(len(connections)):
        field = distances[index].reshape(-1)
        offset = offsets[index]
        at = answer_start[index]
        if not starts_at_origin:
            origin = cell_tokens[paths[index, 0, 0] + offset[0], paths[index, 0, 1] + offset[1]]
            optimal[index, at : at + size, 0] = legal[index, at : at + size, 0] = origin
            at += size
        heading = NORTH * turns
        for position in range(lengths[index]):
            cell = np.int64(paths[index, position, 0]) * cols + paths[index, position, 1]
            num_right, num_other = _find_moves(
                connections[index], field, cell, offset, cell_tokens, moves, heading, right, other
            )
            # one of the ways leads back, except at the origin
            forks[index, at : at + size] = num_right + num_other > (1 if position == 0 else 2)
            remaining[index, at : at + size] = field[cell]
            following = paths[index, position + 1]
            if as_moves:
                down = np.int64(following[0] - paths[index, position, 0])
                right_by = np.int64(following[1] - paths[index, position, 1])
                heading = (1 - down if down != 0 else 2 - right_by) * turns
            else:
                taken[:] = cell_tokens[following[0] + offset[0], following[1] + offset[1]]
            _fill_move(right[:num_right], other[:num_other], taken, optimal[index, at:], legal[index, at:])
            at += size
        optimal[index, at, 0] = legal[index, at, 0] = PATH_END
        remaining[index, at] = 0


@njit(cache=True, nogil=True)
@no_type_check
def write_starts(
    connections,
    distances,
    paths,
    path_lengths,
    offsets,
    cell_tokens,
    moves,
    turns,
    num_starts,
    key,
    streams,
    tokens,
    lengths,
    optimal,
    legal,
    forks,
    remaining,
    further_starts,
):
    """Append to every row segments of one step: a cell drawn without replacement, and an optimal move from there.

    Cells of the path are not drawn, they are asked already; its last, the target, may be: there the end is asked for.
    Where fewer are left, all are taken. `lengths` grows, and `further_starts` (as wide as the most starts) gets the
    position of each segment.
    """
    cols = connections.shape[3]
    size = 1 if len(moves) > 0 else cell_tokens.shape[2]
    right, other = np.empty((4, size), np.int64), np.empty((4, size), np.int64)
    cells = np.empty(connections.shape[2] * cols, np.int64)
    asked = np.empty(len(cells), np.bool_)
    state = np.empty(2, np.uint64)
    for index in range(len(connections)):
        field, offset, at = distances[index].reshape(-1), offsets[index], lengths[index]
        start_stream(state, key, streams[index])
        asked[:] = False
        for position in range(path_lengths[index]):  # the target is behind them
            asked[np.int64(paths[index, position, 0]) * cols + paths[index, position, 1]] = True
        count = 0
        for cell in range(len(field)):
            if field[cell] >= 0 and not asked[cell]:
                cells[count] = cell
                count += 1
        drawn = min(num_starts, count)
        for number in range(drawn):
            place = number + below(state, count - number)
            cell, cells[place] = cells[place], cells[number]
            further_starts[index, number] = at
            for token in cell_tokens[cell // cols + offset[0], cell % cols + offset[1]]:
                tokens[index, at] = token
                at += 1
            num_right, num_other = _find_moves(
                connections[index], field, cell, offset, cell_tokens, moves, NORTH * turns, right, other
            )
            remaining[index, at : at + size] = field[cell]
            if field[cell] == 0:
                tokens[index, at] = optimal[index, at, 0] = legal[index, at, 0] = PATH_END
                remaining[index, at + 1 : at + size] = -1
                at += 1
                continue
            taken = right[below(state, num_right)]
            tokens[index, at : at + size] = taken
            forks[index, at : at + size] = num_right + num_other > 1
            _fill_move(right[:num_right], other[:num_other], taken, optimal[index, at:], legal[index, at:])
            at += size
        further_starts[index, drawn:] = at
        lengths[index] = at


@njit(cache=True, nogil=True)
@no_type_check
def _find_moves(maze, field, cell, offset, cell_tokens, moves, heading, right, other):
    """Write the tokens of the optimal moves out of a cell into `right`, of all other moves into `other`; count both.

    `heading` is the way a walker faces whose moves are told as turns, and 0 for all others.
    """
    cols = maze.shape[2]
    num_right, num_other = 0, 0
    for direction in range(4):
        if not is_open(maze, cell, direction):
            continue
        neighbour = step(cell, direction, cols)
        if field[neighbour] == field[cell] - 1:
            ids, num_right = right[num_right], num_right + 1
        else:
            ids, num_other = other[num_other], num_other + 1
        if len(moves) > 0:
            ids[0] = moves[(direction - heading) & 3]
        else:
            ids[:] = cell_tokens[neighbour // cols + offset[0], neighbour % cols + offset[1]]
    return num_right, num_other


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
