import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.calibration.prompt_reading import CONSOLIDATING
from maze_rl.configs.model import ModelConfig
from maze_rl.interp.attention.attention_maps import stream_patterns
from maze_rl.interp.attention.edge_consolidation import ConsolidationAttention, measure_consolidation
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization


def decisions(name: str = "unique_cells", num: int = 40) -> Decisions:
    batch = generate(4, "dfs_percolation", num=num, seed=1, max_path_length=8).batches[0]
    return find_decisions(load_tokenization(name, canvas=4), batch)


def untrained() -> MazeTransformer:
    config = ModelConfig(n_layers=4, d_model=48, n_heads=3)
    return build_model(config, load_tokenization("unique_cells", canvas=4)).eval()


def test_hand_built_heads_gather_both_cells() -> None:
    model = build_hand_built("wave", load_tokenization("unique_cells", canvas=4), n_layers=5)
    found = measure_consolidation(model, decisions())
    assert found.consolidates and found.findings is not None and found.scores is not None
    # the head that looks one token back gathers the second cell; the head that always looks back gathers none
    assert found.heads == (CONSOLIDATING[1], CONSOLIDATING[0])
    assert [each.effect.value for each in found.findings] == pytest.approx([1, 1], abs=1e-3)
    assert found.findings[0].control is not None and found.findings[0].control.high < 0.01
    assert abs(found.scores[1, 0, 2]) < 0.01
    assert found.p_values is not None and found.p_values[1][CONSOLIDATING[0]] < 0.001


def test_untrained_heads_do_not() -> None:
    found = measure_consolidation(untrained(), decisions())
    assert not found.consolidates and found.findings is not None
    assert all(each.verdict == "no" and abs(each.effect.value) < 0.05 for each in found.findings)


def test_formats_of_one_token_per_edge_are_told_so() -> None:
    model = build_hand_built("wave", load_tokenization("edges", canvas=4), n_layers=4)
    found = measure_consolidation(model, decisions("edges"))
    assert found.findings is None and found.scores is None and not found.consolidates and "not spelled" in found.note


def test_means_are_those_of_plain_loops() -> None:
    asked, model = decisions(num=7), untrained()
    attention = ConsolidationAttention(model, asked)
    stream_patterns(model, asked, [attention], batch_size=3)
    with torch.no_grad():
        _, cache = model.run_with_cache(asked.tokens)
    for maze, layer in [(0, 0), (3, 2), (6, 3)]:
        pattern = cache["pattern", layer][maze].numpy()
        num_edges = int(asked.batch.connections[maze].sum())
        rows = []
        for edge in range(1, num_edges):
            p = 4 * (edge + 1)
            cells = [4 * other + place for other in range(edge) for place in (1, 3)]
            others = pattern[:, p, cells].mean(axis=1)
            rows.append(
                [
                    [pattern[:, p, p - b], (pattern[:, p - 1, p - 1 - b] + pattern[:, p + 1, p + 1 - b]) / 2, others]
                    for b in (3, 1)
                ]
            )
        expected = np.moveaxis(np.mean(rows, axis=0), 2, 0)
        np.testing.assert_allclose(attention.means[maze, layer], expected, atol=1e-5)
