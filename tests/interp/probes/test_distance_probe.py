"""Probes on models whose state is known: the wave holds d(v), dead-end filling the alive cells, greedy neither."""

import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.probe_sites import path_start_sites
from maze_rl.interp.probes.distance_probe import latent_state
from maze_rl.interp.probes.emergence import emergence, first_right, reach_by_layer
from maze_rl.interp.probes.held_variables import LatentState
from maze_rl.interp.probes.on_path_probe import on_path_probe
from maze_rl.interp.probes.wall_probe import wall_probe
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)
BATCH = generate(4, num=260, algorithm="dfs").batches[0]


def built(kind: str) -> MazeTransformer:
    return build_hand_built(kind, TOKENIZATION, n_layers=10)  # type: ignore[arg-type]


def untrained() -> MazeTransformer:
    model, generator = built("wave"), torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        parameter.data = 0.05 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.fixture(scope="module")
def states() -> dict[str, LatentState]:
    twin = untrained()
    kinds = ("wave", "decoy", "greedy", "dead_end_filling")
    states = {kind: latent_state(built(kind), BATCH, control_model=twin) for kind in kinds}
    return states | {"untrained": latent_state(twin, BATCH)}


def test_the_state_names_what_is_held(states: dict[str, LatentState]) -> None:
    held = {kind: state.holds for kind, state in states.items()}
    assert held == {
        "wave": "distances to the target",
        "decoy": "distances to the target",
        "greedy": "nothing",
        "dead_end_filling": "the cells that lead on",
        "untrained": "nothing",
    }


def test_nothing_to_probe_for_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="variables is empty: name at least one of distance, alive"):
        latent_state(built("wave"), BATCH, variables=())


def test_scores_are_near_what_is_known(states: dict[str, LatentState]) -> None:
    for kind, low, high in (("wave", 0.8, 1.0), ("decoy", 0.8, 1.0), ("greedy", -0.1, 0.1), ("untrained", -0.1, 0.1)):
        finding = states[kind].probes["distance"].finding
        assert low <= finding.effect.value <= high
        assert finding.effect.low <= finding.effect.value <= finding.effect.high
    for state in states.values():
        for probe in state.probes.values():
            assert abs(probe.controls["of other mazes"].value) < 0.1


def test_the_stream_at_the_site_is_that_of_a_plain_run() -> None:
    model = built("wave")
    sites = path_start_sites(model, BATCH.take(np.arange(5)), batch_size=2)
    encoded = model.tokenization.with_options(random_offsets=False).encode(BATCH.take(np.arange(5)), prompt_only=True)
    with torch.no_grad():
        _, cache = model.run_with_cache(encoded.tokens)
    for layer in range(10):
        np.testing.assert_allclose(sites.streams[:, layer + 1], cache["resid_post", layer][:, -1], atol=1e-3)
    np.testing.assert_allclose(sites.bag, cache["resid_pre", 0].mean(dim=1), atol=1e-5)


def test_a_wave_gets_one_step_further_with_every_layer() -> None:
    found = emergence(built("wave"), BATCH)
    assert found.finding.verdict == "yes"
    assert found.finding.effect.value > 0.8
    assert 0.75 < found.slope.value < 1.25
    # two layers read the prompt; the wave's k-th layer reaches distance k
    assert abs(found.reach[6] - 5) <= 1
    assert emergence(built("greedy"), BATCH).finding.verdict != "yes"


def test_layers_of_emergence_by_hand() -> None:
    right = np.array([[[True, False, True]], [[False, True, True]], [[True, True, False]]])
    assert first_right(right).tolist() == [[2, 1, -1]]
    assert reach_by_layer(right, np.array([[0, 1, 2]])).tolist() == [0, -1, 1]


def test_walls_and_path_are_read_where_they_are_held() -> None:
    filling, greedy = built("dead_end_filling"), built("greedy")
    on_path = on_path_probe(filling, BATCH, least_steps=3)
    assert on_path.finding.verdict == "yes"
    assert on_path.auroc.value > 0.95
    assert on_path_probe(greedy, BATCH, least_steps=3).finding.verdict != "yes"
    walls = wall_probe(greedy, BATCH)
    assert walls.probe.finding.verdict == "no"
    assert abs(walls.accuracy.value - walls.baseline_accuracy) < 0.05
