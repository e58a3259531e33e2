"""A fork of a hand-built search follows the states its neighbours are held in; one that does not search does not."""

import numpy as np
import pytest

from maze_rl.calibration.looped_searchers import LoopedKind, build_looped
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes, recombine_mazes
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.interventions.neighbour_states import swap_neighbour_states
from maze_rl.models.model_files import load_model
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("cells", canvas=5, origin="path")


@pytest.fixture(scope="module")
def mazes() -> RecombinedMazes:
    spec = spec_from_arguments(sizes=(5,), split=None)
    return recombine_mazes(TOKENIZATION, spec, num=1024, within=Within("distance", 11), seed=1)


@pytest.mark.parametrize("kind", ["wave", "either"])
def test_searches_use_what_neighbours_hold(kind: LoopedKind, mazes: RecombinedMazes) -> None:
    found = swap_neighbour_states(build_looped(kind, TOKENIZATION, loops=15), mazes, num=60)
    assert found.solved and found.finding.verdict == "yes" and found.iia.value > 0.95
    assert found.source_answer.value < 0.05 and found.other_maze.value < 0.75
    assert found.by_loop[0] < 0.2 and found.by_loop[-1] == pytest.approx(found.iia.value)


@pytest.mark.parametrize("kind", ["greedy", "decoy"])
def test_who_does_not_search_does_not(kind: LoopedKind, mazes: RecombinedMazes) -> None:
    found = swap_neighbour_states(build_looped(kind, TOKENIZATION, loops=15), mazes, num=160)
    assert found.finding.verdict == "no" and found.finding.effect.value == 0


def test_pairs_are_as_many_as_asked_and_others_are_refused(mazes: RecombinedMazes) -> None:
    found = swap_neighbour_states(build_looped("wave", TOKENIZATION, loops=4), mazes, num=5)
    assert len(found.answers) == 5 and np.isnan(found.finding.effect.value)
    with pytest.raises(ConfigurationError, match="relies on loops"):
        swap_neighbour_states(load_model("maze-5to9-causal"), mazes)
