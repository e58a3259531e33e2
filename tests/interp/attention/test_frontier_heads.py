import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import Kind, build_hand_built
from maze_rl.calibration.wave_layers import WAVE_HEAD
from maze_rl.configs.model import ModelConfig
from maze_rl.interp.attention.attention_maps import stream_patterns
from maze_rl.interp.attention.frontier_heads import ANCHORS, find_frontier_heads, frontier_attention
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.generate import generate
from maze_rl.models.build import build_bare, build_model
from maze_rl.tokenization.tokenization import load_tokenization


def decisions(name: str = "edges", num: int = 80) -> Decisions:
    batch = generate(4, "dfs", num=num, seed=1, max_path_length=10).batches[0]
    return find_decisions(load_tokenization(name, canvas=4), batch)


@pytest.mark.parametrize(("kind", "name"), [("wave", "edges"), ("decoy", "edges"), ("wave", "unique_cells")])
def test_a_wave_runs_backward_one_ring_per_layer(kind: Kind, name: str) -> None:
    model = build_hand_built(kind, load_tokenization(name, canvas=4), n_layers=8)
    found = find_frontier_heads(model, decisions(name))
    target = found.anchors["target"]
    assert found.winner == "target" and found.direction == "backward" and found.finding.verdict == "yes"
    assert target.layers[0] == 2 and set(target.heads) == {WAVE_HEAD}
    assert target.slope.value == pytest.approx(1, abs=0.15) and target.spearman.low > 0.95
    # the frontier's edges lead one ring back and one ahead
    assert np.diff(target.rings) == pytest.approx(1, abs=0.6)


@pytest.mark.parametrize("kind", ["greedy", "dead_end_filling"])
def test_what_is_no_wave_has_no_frontier(kind: Kind) -> None:
    model = build_hand_built(kind, load_tokenization("edges", canvas=4), n_layers=8)
    found = find_frontier_heads(model, decisions())
    assert found.direction == "none" and found.finding.verdict == "no"
    assert set(found.anchors) == set(ANCHORS)


def test_untrained_models_have_none() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    config = ModelConfig(n_layers=6, d_model=48, n_heads=3)
    assert find_frontier_heads(build_model(config, tokenization).eval(), decisions()).direction == "none"
    wave = build_hand_built("wave", tokenization, n_layers=6).cfg
    shape = {name: getattr(wave, name) for name in ("n_layers", "d_model", "n_heads", "d_head", "d_mlp", "act_fn")}
    twin = build_bare({**shape, "normalization_type": None, "use_attn_scale": False}, tokenization, seed=1)
    assert find_frontier_heads(twin, decisions()).direction == "none"


def test_enrichment_is_that_of_plain_loops() -> None:
    asked = decisions("unique_cells", 9)
    model = build_model(ModelConfig(n_layers=2, d_model=24, n_heads=2), load_tokenization("unique_cells", canvas=4))
    model.eval()
    reducers = frontier_attention(model, asked)
    stream_patterns(model, asked, list(reducers.values()), batch_size=4)
    with torch.no_grad():
        _, cache = model.run_with_cache(asked.tokens)
    labels = label_cells(asked.batch)
    edges = asked.spans.edges.numpy()
    for name, distances in (("target", labels.distances), ("origin", labels.frontier)):
        expected = np.zeros_like(reducers[name].sums)
        for row, maze in enumerate(asked.maze):
            ring_of = {}
            for position, (direction, r, c) in enumerate(edges[maze].tolist()):
                if direction >= 0:
                    ends = [4 * r + c, 4 * (r + (direction == 0)) + c + (direction == 1)]
                    ring_of[position] = int(distances[maze, ends].max())
            rings = list(ring_of.values())
            for position, ring in ring_of.items():
                weight = len(rings) / rings.count(ring)
                for layer in range(2):
                    attended = cache["pattern", layer][maze, :, asked.position[row], position].numpy()
                    expected[maze, layer, :, ring] += weight * attended
        np.testing.assert_allclose(reducers[name].sums, expected, rtol=1e-4, atol=1e-4)


def test_nothing_as_large_as_decisions_by_tokens_by_rings_is_made() -> None:
    asked = decisions(num=40)
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1), load_tokenization("edges", canvas=4))
    for reducer in frontier_attention(model, asked).values():
        reducer.begin(0, 40, asked.tokens.shape[1])
        largest = max(each.numel() for each in vars(reducer).values() if isinstance(each, torch.Tensor))
        assert largest <= len(asked) * asked.tokens.shape[1] and reducer.sums.shape[-1] > 8
