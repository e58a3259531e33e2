"""A maze that changes in the middle of its search: the change travels, from cell to cell."""

import numpy as np
import pytest

from maze_rl import generate, load_model, load_tokenization
from maze_rl.calibration.looped_searchers import build_looped
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.patching_pairs import make_pairs
from maze_rl.interp.interventions.midway_edits import edit_midway
from maze_rl.mazes.solve import solve


def test_the_shipped_model_follows_from_near_to_far() -> None:
    model = load_model("maze-5to9-cpu")
    pairs = make_pairs(model.tokenization, size=7, num=24, depths=(2, 40), seed=0).pairs
    found = edit_midway(model, pairs.clean, pairs.flipped, loop=18, loops=36)
    before, soon, late = (found.following(loop) for loop in (18, 22, 36))
    assert all(share.value < 0.1 for share in before.values())
    assert soon[0, 1].low > 0.6
    assert soon[7, 10].high < 0.3
    assert late[7, 10].low > 0.4
    assert late[0, 1].low > 0.9


def test_a_search_that_only_adds_does_not_follow() -> None:
    model = build_looped("wave", load_tokenization("cells", canvas=5, origin="path"), loops=27)
    pairs = make_pairs(model.tokenization, size=5, num=20, depths=(1, 20), seed=0, split=None).pairs
    found = edit_midway(model, pairs.clean, pairs.flipped, loop=27, loops=54)
    assert found.answers.right[:, 26][found.answers.asked].all()
    far = [share.high for (low, _), share in found.following(54).items() if low >= 2]
    assert max(far) < 0.05


def test_steps_are_counted_in_the_new_maze_from_the_cells_that_changed() -> None:
    model = load_model("maze-5to9-cpu")
    pairs = make_pairs(model.tokenization, size=5, num=3, depths=(1, 20), seed=1, split=None).pairs
    found = edit_midway(model, pairs.clean, pairs.flipped, loop=1, loops=2)
    for row in range(3):
        ends = set()
        for direction, r, c in (pairs.removed[row].tolist(), pairs.added[row].tolist()):
            ends |= {(r, c), (r + 1, c) if direction == 0 else (r, c + 1)}
        for cell in range(25):
            place = divmod(cell, 5)
            maze = pairs.flipped[row]
            nearest = min(int(solve(type(maze)(maze.connections, place, end)).distance) for end in ends)
            assert found.steps[row, cell] == nearest


def test_mazes_that_do_not_belong_together_are_refused() -> None:
    model, mazes = load_model("maze-5to9-cpu"), generate(5, "dfs", 4, seed=1).batches[0]
    with pytest.raises(ConfigurationError, match="with the same targets"):
        edit_midway(model, mazes, mazes.take(np.array([1, 0, 3, 2])), loop=2, loops=4)
    with pytest.raises(ConfigurationError, match="let the maze change earlier"):
        edit_midway(model, mazes, mazes, loop=4, loops=4)
