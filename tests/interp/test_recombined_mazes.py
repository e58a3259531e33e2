"""Recombined mazes demand what neither of their parts demands: checked against networkx, pair by pair."""

import networkx
import numpy as np
import pytest

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.errors import ConfigurationError
from maze_rl.interp.recombined_mazes import RecombinedMazes, recombine_mazes
from maze_rl.mazes.interchange.graph import to_networkx
from maze_rl.mazes.splits import maze_hashes
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=5)
SPEC = spec_from_arguments(sizes=(5,), algorithm="dfs", split=None)


@pytest.fixture(scope="module")
def mazes() -> RecombinedMazes:
    return recombine_mazes(TOKENIZATION, SPEC, num=512, max_distance=12, seed=4)


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
        assert [cell for cell in sides if cell in path] == [demanded]
        assert demanded not in (own[1], path[1])
        assert ids[demanded] == answer
        assert (ids[own[1]], ids[path[1]]) == (mazes.right[base], mazes.right[source])
        assert mazes.tokens[base, mazes.position[base]] == ids[one.origin]


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
    again = recombine_mazes(TOKENIZATION, SPEC, num=512, max_distance=12, seed=4)
    other = recombine_mazes(TOKENIZATION, SPEC, num=512, max_distance=12, seed=5)
    assert (again.tokens == mazes.tokens).all() and np.array_equal(again.base, mazes.base)
    assert not np.array_equal(other.base, mazes.base)
    with pytest.raises(ConfigurationError, match="pairs for interchange were found among 128 mazes of size 5"):
        recombine_mazes(TOKENIZATION, SPEC, num=128, max_distance=12, seed=4)
