"""Groups of positions: every real token in exactly one, the path's edges those of the solver."""

import itertools

import numpy as np
import pytest

from maze_rl import load_tokenization
from maze_rl.interp.inputs.patching_pairs import make_pairs
from maze_rl.interp.inputs.position_groups import CHANGED, FORK, FORK_CELL, listed_groups, position_groups
from maze_rl.mazes.solve import solve
from maze_rl.tokenization.spans import Region


@pytest.mark.parametrize("token_format", ["edges", "unique_cells", "cells"])
def test_every_token_is_in_one_group(token_format: str) -> None:
    pairs = make_pairs(load_tokenization(token_format, canvas=5), size=5, num=30, seed=1)
    groups = position_groups(pairs)
    counts = sum(mask.long() for mask in groups.values())
    assert (counts == pairs.spans.real.long()).all()
    assert (groups[FORK].sum(dim=1) == 1).all() and (groups[CHANGED] == pairs.slot).all()


def test_edges_of_the_path_are_those_beyond_the_fork() -> None:
    pairs = make_pairs(load_tokenization("edges", canvas=5), size=5, num=30, seed=2)
    groups = position_groups(pairs)
    listed = (pairs.spans.regions == Region.ADJACENCY).sum(dim=1)
    on_path, off_path = listed_groups(pairs.spans.layout)
    assert (groups[on_path].sum(dim=1) + groups[off_path].sum(dim=1) + 1 == listed).all()
    for row in range(len(pairs)):
        path = solve(pairs.pairs.clean[row]).path[int(pairs.pairs.fork_index[row]) :]
        expected = {frozenset(edge) for edge in itertools.pairwise(path)}
        marked = pairs.spans.edges[row][groups[on_path][row] | groups[CHANGED][row]].numpy().astype(int)
        found = {frozenset({(r, c), (r + (d == 0), c + (d == 1))}) for d, r, c in marked}
        assert found == expected
        assert np.all(marked[:, 0] >= 0)


@pytest.mark.parametrize("token_format", ["edges", "unique_cells", "cells"])
def test_the_control_has_its_own_slot(token_format: str) -> None:
    pairs = make_pairs(load_tokenization(token_format, canvas=5), size=5, num=30, seed=1)
    groups = position_groups(pairs, pairs.control_slot)
    assert (groups[CHANGED] == pairs.control_slot).all()
    # listed cells may be ends of edges of both
    assert token_format == "cells" or not (groups[CHANGED] & pairs.slot).any()
    assert ((pairs.clean != pairs.control) <= groups[CHANGED]).all()
    assert (sum(mask.long() for mask in groups.values()) == pairs.spans.real.long()).all()


def test_cells_of_the_path_are_those_beyond_the_fork() -> None:
    pairs = make_pairs(load_tokenization("cells", canvas=5, origin="path"), size=5, num=30, seed=2)
    groups = position_groups(pairs)
    on_path, _ = listed_groups(pairs.spans.layout)
    for row in range(len(pairs)):
        path = solve(pairs.pairs.clean[row]).path[int(pairs.pairs.fork_index[row]) :]
        cells = [tuple(map(int, cell)) for cell in pairs.spans.cells[row]]
        changed = {cells[at] for at in groups[CHANGED][row].nonzero()[:, 0]}
        found = {name: [cells[at] for at in groups[name][row].nonzero()[:, 0]] for name in (on_path, FORK_CELL)}
        assert sorted(found[on_path]) == sorted(set(path[1:]) - changed)
        assert found[FORK_CELL] == [path[0]] * (path[0] not in changed)
