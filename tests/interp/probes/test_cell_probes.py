"""Probes at cells find what hand-built searches hold there, and nothing where nothing is held."""

import numpy as np
import pytest

from maze_rl import generate, load_model, load_tokenization
from maze_rl.calibration.looped_searchers import LoopedKind, build_looped
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.cell_streams import cell_streams
from maze_rl.interp.inputs.cell_variables import local_features, next_step
from maze_rl.interp.probes.cell_probes import CellProbes, probe_cells
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.models.build import MazeTransformer
from maze_rl.models.untrained import untrained_twin
from maze_rl.tokenization.spans import Region


def built(kind: LoopedKind, loops: int = 16) -> MazeTransformer:
    return build_looped(kind, load_tokenization("cells", canvas=5, origin="path"), loops=loops)


def probed(kind: LoopedKind) -> CellProbes:
    model = built(kind)
    mazes = generate(5, "dfs", 80, seed=3).batches[0]
    return probe_cells(model, mazes, loops=(4, 16), control_model=untrained_twin(model))


def test_a_wave_holds_distances_and_no_dead_ends() -> None:
    probes = probed("wave").probes
    assert probes["distance"].scores[0].high < 0.05  # nothing yet
    assert probes["distance"].scores[1].low > 0.9
    assert probes["dead-end depth"].scores[1].high < 0.4


def test_filling_holds_dead_ends_and_no_distances() -> None:
    probes = probed("dead_end_filling").probes
    assert probes["dead-end depth"].scores[1].low > 0.9
    assert probes["distance"].scores[1].high < 0.4


def test_greedy_choice_and_the_controls_hold_nothing() -> None:
    for kind in ("greedy", "wave"):
        found = probed(kind)
        for probe in found.probes.values():
            assert all(each.high < 0.1 for each in (*probe.other_mazes, *probe.untrained))
            if kind == "greedy":
                assert all(each.high < 0.1 for each in probe.scores)


def test_the_shipped_model_holds_how_far_ahead_its_cells_must_look() -> None:
    model = load_model("maze-5to9-cpu")
    mazes = generate(7, "dfs", 80, seed=3, split="test").batches[0]
    found = probe_cells(model, mazes, loops=(1, 8), control_model=untrained_twin(model))
    probe = found.probes["look-ahead"]
    assert probe.scores[0].high < 0.2
    assert probe.scores[1].low > 0.6
    assert all(each.high < 0.1 for each in (*probe.other_mazes, *probe.untrained))


def test_streams_are_those_of_a_plain_run_at_the_tokens_of_the_cells() -> None:
    model = load_model("maze-5to9-cpu")
    mazes = generate(5, "dfs", 3, seed=4).batches[0]
    found = cell_streams(model, mazes, loops=(1, 18), batch_size=2)
    tokenization = load_tokenization("cells", origin="path", random_offsets=False)
    encoded = tokenization.encode_batch(mazes, streams=np.arange(3), seed=0, prompt_only=True)
    _, cache = model.run_with_cache(encoded.tokens)
    layers = model.cfg.n_layers // model.loops
    for place, loop in enumerate((1, 18)):
        stream = cache[f"blocks.{layers * loop - 1}.hook_resid_post"]
        for row in range(3):
            listed = np.flatnonzero(encoded.spans.regions[row] == Region.ADJACENCY)
            assert len(listed) == 25
            for position in listed:
                r, c = encoded.spans.cells[row, position].tolist()
                expected = stream[row, position].numpy()
                assert np.allclose(found[row, place, r * 5 + c], expected, rtol=1e-3, atol=1e-2)


def test_local_features_are_what_lies_around_a_cell() -> None:
    mazes = generate(4, "dfs", 5, seed=5).batches[0]
    features, labels = local_features(mazes), label_cells(mazes)
    assert features.shape == (5, 16, 4 + 16 + 4 + 4 + 7 + 7 + 1)
    assert (features[..., :4].sum(axis=2) >= 1).all()
    assert features[..., 4:20].max() == 1
    assert (next_step(mazes).sum(axis=2) == (labels.distances > 0)).all()


def test_what_cannot_be_probed_is_refused() -> None:
    model, mazes = built("wave", 4), generate(5, "dfs", 20, seed=3).batches[0]
    with pytest.raises(ConfigurationError, match="intervals need 20 layouts"):
        probe_cells(model, mazes)
    with pytest.raises(ConfigurationError, match="name at least one from 1 to 4"):
        cell_streams(model, mazes, loops=(5,))
    with pytest.raises(ConfigurationError, match="relies on loops"):
        cell_streams(load_model("maze-5to9-causal"), mazes)
