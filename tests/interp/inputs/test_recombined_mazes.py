"""Recombined mazes demand what neither of their parts demands: checked against networkx, pair by pair."""

import networkx
import numpy as np
import pytest

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.recombined_mazes import GROUP, RecombinedMazes, _match, recombine_mazes
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.mazes.interchange.graph import to_networkx
from maze_rl.mazes.splits import maze_hashes
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=5)
SPEC = spec_from_arguments(sizes=(5,), algorithm="dfs", split=None)


@pytest.fixture(scope="module")
def mazes() -> RecombinedMazes:
    return recombine_mazes(TOKENIZATION, SPEC, num=512, within=Within("distance", 12), seed=4)


def test_base_and_source_together_demand_a_step_of_neither(mazes: RecombinedMazes) -> None:
    ids = TOKENIZATION.layout.cell_ids
    assert len(mazes) > 20
    for base, source, answer in zip(mazes.base, mazes.source, mazes.answer, strict=True):
        one, other = mazes.batch[int(base)], mazes.batch[int(source)]
        assert (one.origin, one.target) == (other.origin, other.target)
        graph, field = to_networkx(one), to_networkx(other)
        steps = networkx.single_source_shortest_path_length(field, one.target)
        path = networkx.shortest_path(field, one.origin, one.target)
        own = networkx.shortest_path(graph, one.origin, one.target)
        assert max(len(own), len(path)) <= 13
        sides = list(graph[one.origin])
        demanded = min(sides, key=lambda cell: steps[cell])
        assert [cell for cell in sides if steps[cell] == steps[demanded]] == [demanded]  # no other is as near
        assert [cell for cell in sides if cell in path] == [demanded]
        assert demanded not in (own[1], path[1])
        assert ids[demanded] == answer
        assert (ids[own[1]], ids[path[1]]) == (mazes.right[base], mazes.right[source])
        assert mazes.tokens[base, mazes.position[base]] == ids[one.origin]


def test_of_two_steps_that_are_equally_near_none_is_demanded() -> None:
    """A base with sides 0, 2 and 3, a source whose path goes by 1 and passes 2: demanded only if it is nearest."""
    options = np.array([[True, False, True, True], [True, True, True, True]])
    leads_on = np.array([[True, False, False, False], [False, True, True, False]])
    for other, pairs in ((7, 1), (5, 0)):
        steps = np.array([[1, 9, 9, 9], [9, 6, 5, other]])
        found = _match(np.arange(2), options, np.array([0, 1]), steps, leads_on, np.random.default_rng(0))
        assert found.T.tolist() == [[0, 1, 2]] * pairs


def test_fork_and_target_name_the_swaps_that_go_together(mazes: RecombinedMazes) -> None:
    named: dict[int, set] = {}
    for maze, ends in zip(mazes.batch, mazes.ends.tolist(), strict=True):
        named.setdefault(ends, set()).add((maze.origin, maze.target))
    assert all(len(cells) == 1 for cells in named.values())
    assert len(named) == len(set.union(*named.values())) <= 512 // GROUP


@pytest.mark.parametrize("algorithm", ["percolation", "dfs_percolation"])
def test_mazes_with_cycles_or_cells_out_of_reach_are_refused(algorithm: str) -> None:
    spec = spec_from_arguments(sizes=(5,), algorithm=algorithm, split=None)
    with pytest.raises(ConfigurationError, match=f"^{algorithm} mazes may have cycles or cells out of reach"):
        recombine_mazes(TOKENIZATION, spec, num=512)


def test_neighbours_halves_and_use(mazes: RecombinedMazes) -> None:
    assert len(set(mazes.base)) == len(mazes.base)
    assert len(set(mazes.source)) == len(mazes.source)
    assert np.array_equal(mazes.held_out[mazes.base], mazes.held_out[mazes.source])
    hashes = maze_hashes(mazes.batch)
    assert not set(hashes[mazes.held_out]) & set(hashes[~mazes.held_out])
    for row in range(0, len(mazes.batch), 50):
        maze = mazes.batch[row]
        cells = {(cell // 5, cell % 5) for cell in np.flatnonzero(mazes.neighbours[row])}
        assert cells == set(maze.neighbours(maze.origin))


def test_the_seed_decides_and_too_few_are_refused(mazes: RecombinedMazes) -> None:
    again = recombine_mazes(TOKENIZATION, SPEC, num=512, within=Within("distance", 12), seed=4)
    other = recombine_mazes(TOKENIZATION, SPEC, num=512, within=Within("distance", 12), seed=5)
    assert (again.tokens == mazes.tokens).all() and np.array_equal(again.base, mazes.base)
    assert not np.array_equal(other.base, mazes.base)
    with pytest.raises(ConfigurationError, match="pairs for interchange were found among 128 mazes of size 5"):
        recombine_mazes(TOKENIZATION, SPEC, num=128, within=Within("distance", 12), seed=4)


@pytest.mark.parametrize(
    ("mazes", "settings", "said"),
    [
        ({"sizes": (5,), "accessible_cells": 0.6}, {}, "some of these dfs mazes have cells out of reach"),
        ({"sizes": (5,), "max_depth": 4}, {}, "some of these dfs mazes have cells out of reach"),
        ({"sizes": (2,)}, {}, "sizes is .2,.: pairs for interchange need mazes of one size"),
        ({"sizes": (4, 5)}, {}, "sizes is .4, 5.: pairs for interchange need mazes of one size"),
        ({"sizes": (5,)}, {"num": 0}, "num is 0: expected a whole number, at least 1"),
    ],
)
def test_mazes_without_pairs_are_refused_in_one_line(mazes: dict, settings: dict, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refusal:
        recombine_mazes(TOKENIZATION, spec_from_arguments(split=None, **mazes), **({"num": 512} | settings))
    assert "\n" not in str(refusal.value)


def test_all_cells_named_one_by_one_are_all_in_reach() -> None:
    spec = spec_from_arguments(sizes=(5,), accessible_cells=25, split=None)
    assert len(recombine_mazes(TOKENIZATION, spec, num=512, within=Within("distance", 12), seed=4)) > 20
