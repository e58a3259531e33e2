"""Swapping the variable moves the choice where the model uses it: the wave's distances, not the decoy's."""

import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import Kind, build_hand_built
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.decision_stream import Change, DecisionStream
from maze_rl.interp.inputs.cell_features import Variable
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, make_pairs
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes, recombine_mazes
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.interventions.interchange import Interchange, interchange, orthonormal, spread_layers
from maze_rl.intervals import Interval, bootstrap_ratio, num_clusters
from maze_rl.models.untrained import untrained_twin
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)


@pytest.fixture(scope="module")
def pairs() -> PatchingPairs:
    return make_pairs(TOKENIZATION, size=4, num=120, depths=(1, 20))


@pytest.fixture(scope="module")
def mazes() -> RecombinedMazes:
    spec = spec_from_arguments(sizes=(4,), algorithm="dfs", split=None)
    return recombine_mazes(TOKENIZATION, spec, num=1024, within=Within("distance", 8), seed=1)


def swap(kind: Kind, mazes: RecombinedMazes, variable: Variable = "distance") -> Interchange:
    return interchange(build_hand_built(kind, TOKENIZATION, n_layers=10), mazes, variable=variable)


@pytest.mark.parametrize(("kind", "variable"), [("wave", "distance"), ("dead_end_filling", "alive")])
def test_a_searcher_takes_the_step_that_neighbours_and_field_demand(
    kind: Kind, variable: Variable, mazes: RecombinedMazes
) -> None:
    found = swap(kind, mazes, variable)
    assert found.finding.verdict == "yes" and found.solved
    assert found.iia.value > 0.9
    assert found.source_answer.value < 0.05 and found.complement.value < 0.1
    assert found.in_data.value > 0.9 and found.in_data_share > 0.9
    assert found.rank <= 16 and found.random.value < 0.6


@pytest.mark.parametrize("kind", ["decoy", "greedy"])
def test_a_field_that_is_not_read_moves_nothing(kind: Kind, mazes: RecombinedMazes) -> None:
    """Also on mazes that the model gets right: there its choice could be moved."""
    found = swap(kind, mazes)
    assert found.finding.verdict == "no"
    assert found.iia.value < 0.1


def test_intervals_draw_pairs_of_fork_and_target(mazes: RecombinedMazes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Swaps of one fork and target are not independent: an interval over layouts of bases would be too narrow."""
    given = []

    def spy(numerators: np.ndarray, denominators: np.ndarray, clusters: np.ndarray) -> Interval:
        given.append(clusters)
        return bootstrap_ratio(numerators, denominators, clusters)

    monkeypatch.setattr("maze_rl.interp.interventions.interchange.bootstrap_ratio", spy)
    found = swap("wave", mazes)
    assert len(given) == 8 and all(np.array_equal(clusters, found.ends) for clusters in given)
    assert len(found.ends) == found.num_swaps
    assert 1 < num_clusters(found.ends) < num_clusters(found.layouts)


def test_an_untrained_model_gets_a_rate_near_none(mazes: RecombinedMazes) -> None:
    found = interchange(untrained_twin(build_hand_built("wave", TOKENIZATION, n_layers=6), 0), mazes)
    assert not found.solved and found.finding.verdict == "no"


def test_going_on_at_the_decision_equals_a_whole_run(pairs: PatchingPairs) -> None:
    model = build_hand_built("wave", TOKENIZATION, n_layers=14)  # the wave gets everywhere: no level choices
    run = DecisionStream(model, pairs.clean, pairs.position)
    rows, generator = torch.arange(len(pairs)), torch.Generator().manual_seed(0)
    changes = []
    for layer in (9, 11, 13):
        noise = 0.3 * torch.randn(run.streams[layer].shape, generator=generator)
        changes.append(Change(layer, rows, run.streams[layer] + noise))
    for change, chosen in zip(changes, run.go_on(changes), strict=True):

        def put(stream: torch.Tensor, hook: object, change: Change = change) -> torch.Tensor:
            stream[rows, pairs.position] = change.streams
            return stream

        with torch.no_grad():
            logits = model.run_with_hooks(pairs.clean, fwd_hooks=[(f"blocks.{change.layer}.hook_resid_post", put)])
        assert (logits[rows, pairs.position].argmax(dim=-1) == chosen).float().mean() > 0.99
    assert (run.choices == run.go_on([Change(2, rows, run.streams[2])])[0]).float().mean() > 0.97


def test_bases_and_layers() -> None:
    basis = orthonormal(np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 1.0], [0.0, 0.0, 1.0]]))
    assert basis.shape == (3, 2)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-12)
    assert list(spread_layers(12)) == [1, 3, 5, 7, 9, 11]
    assert list(spread_layers(4)) == [0, 1, 2, 3]


@pytest.mark.parametrize("layers", [[-1], [3], []])
def test_layers_that_are_not_there_are_refused(layers: list[int], mazes: RecombinedMazes) -> None:
    with pytest.raises(ConfigurationError, match=r"interchange \(S3\): layers is .*: name at least one from 0 to 2"):
        interchange(build_hand_built("greedy", TOKENIZATION, n_layers=3), mazes, layers=layers)
