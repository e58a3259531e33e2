"""M+ has both edges, is written as it is, and its right steps are those of a breadth-first search."""

import numpy as np
import pytest
import torch

from maze_rl.interp.inputs.patching_pairs import make_pairs
from maze_rl.interp.inputs.tree_and_cycle_edits import open_added_edges
from maze_rl.mazes.solve import solve_batch
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.tokenization import load_tokenization


@pytest.mark.parametrize("name", ["edges", "unique_cells"])
def test_mazes_tokens_and_right_steps(name: str) -> None:
    tokenization = load_tokenization(name, canvas=5)
    pairs = make_pairs(tokenization, size=4, num=30, depths=(1, 20))
    made = open_added_edges(tokenization, pairs)
    edits, solution = pairs.pairs, solve_batch(made.batch)
    assert (made.batch.connections.sum(axis=(1, 2, 3)) == 16).all()
    for row in range(30):
        end = int(made.position[row])
        start = end - int(edits.fork_index[row]) - 1
        prompt = str(tokenization.decode(made.tokens[row, : start + 1]))
        assert tokenization.from_text(prompt, (4, 4)) == made.batch[row]
        own = pairs.clean[row, pairs.spans.path_start[row] : pairs.position[row] + 1]
        assert torch.equal(made.tokens[row, start : end + 1], own)
        assert (made.tokens[row, end + 1 :] == PADDING).all()
        fork, right, wrong = (tuple(int(i) for i in cells[row]) for cells in (edits.forks, edits.right, edits.wrong))
        best = solution[row].optimal_next(fork)
        assert made.still_right[row] == (best == [right])
        assert made.now_wrong[row] == (best == [wrong])
        slot = int(made.slot_end[row])
        if name == "edges":
            direction, at_row, at_col = edits.removed[row]
            assert made.tokens[row, slot] == tokenization.layout.edge_ids[direction, at_row, at_col]
        else:
            assert tokenization.vocabulary[int(made.tokens[row, slot])] == ";"
            ids = {int(tokenization.layout.cell_ids[tuple(cell)]) for cell in cells_of(edits.removed[row])}
            assert {int(made.tokens[row, slot - 3]), int(made.tokens[row, slot - 1])} == ids
    assert made.still_right.any()
    assert made.now_wrong.any()


def cells_of(edge: np.ndarray) -> list[tuple[int, int]]:
    direction, row, col = (int(number) for number in edge)
    return [(row, col), (row + (direction == 0), col + (direction == 1))]
