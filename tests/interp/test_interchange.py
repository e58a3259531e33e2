"""Swapping the variable moves the choice where the model uses it: the wave's distances, not the decoy's."""

import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.interp.decision_stream import Change, DecisionStream
from maze_rl.interp.interchange import interchange, orthonormal, spread_layers
from maze_rl.interp.patching_pairs import PatchingPairs, make_pairs
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)


@pytest.fixture(scope="module")
def pairs() -> PatchingPairs:
    return make_pairs(TOKENIZATION, size=4, num=120, depths=(1, 20))


@pytest.mark.parametrize(
    ("kind", "variable", "verdict"),
    [("wave", "distance", "yes"), ("dead_end_filling", "alive", "yes"), ("decoy", "distance", "no"),
     ("greedy", "distance", "no")],
)  # fmt: skip
def test_only_what_is_used_moves_the_choice(pairs: PatchingPairs, kind: str, variable: str, verdict: str) -> None:
    found = interchange(build_hand_built(kind, TOKENIZATION, n_layers=10), pairs, variable=variable)  # type: ignore[arg-type]
    assert found.finding.verdict == verdict
    if verdict == "yes":
        assert found.both_solved
        assert found.iia.value > 0.85
        assert found.complement.value < 0.3
        assert found.rank <= 16
    else:
        assert found.iia.value < 0.15


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
            logits = model.run_with_hooks(
                pairs.clean, fwd_hooks=[(f"blocks.{change.layer}.hook_resid_post", put)]
            )  # fmt: skip
        assert (logits[rows, pairs.position].argmax(dim=-1) == chosen).float().mean() > 0.99
    assert (run.choices == run.go_on([Change(2, rows, run.streams[2])])[0]).float().mean() > 0.97


def test_bases_and_layers() -> None:
    basis = orthonormal(np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 1.0], [0.0, 0.0, 1.0]]))
    assert basis.shape == (3, 2)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-12)
    assert list(spread_layers(12)) == [1, 3, 5, 7, 9, 11]
    assert list(spread_layers(4)) == [0, 1, 2, 3]
