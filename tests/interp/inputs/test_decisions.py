"""Decisions may be taken in any order: what is read of the model stays with its decision."""

import numpy as np
import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.probe_sites import path_start_sites
from maze_rl.interp.attention.attention_maps import stream_patterns
from maze_rl.interp.inputs.decisions import decision_logits, decision_streams, find_decisions
from maze_rl.mazes.generate import generate
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import load_tokenization

EDGES = load_tokenization("edges", canvas=4)
DECISIONS = find_decisions(EDGES, generate(4, "dfs", num=40, seed=1).batches[0])


@pytest.mark.parametrize("batch_size", [7, 256])
def test_logits_stay_with_their_decisions_in_any_order(batch_size: int) -> None:
    model = build_model(ModelConfig(n_layers=2, d_model=24, n_heads=2), EDGES).eval()
    with torch.no_grad():
        plain = model(DECISIONS.tokens)[DECISIONS.maze, DECISIONS.position]
    shuffled = np.random.default_rng(0).permutation(len(DECISIONS))
    for order in (np.arange(len(DECISIONS)), np.arange(len(DECISIONS))[::-1].copy(), shuffled):
        found = decision_logits(model, DECISIONS.take(order), batch_size=batch_size)
        torch.testing.assert_close(found, plain[order], atol=1e-5, rtol=1e-5)


def test_no_decision_is_refused() -> None:
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1), EDGES).eval()
    with pytest.raises(ConfigurationError, match="no decision"):
        decision_logits(model, DECISIONS.take(np.zeros(0, np.int64)))


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_of_nothing_are_refused(batch_size: int) -> None:
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), EDGES)
    for run in (
        lambda: decision_streams(model, DECISIONS, batch_size=batch_size),
        lambda: stream_patterns(model, DECISIONS, [], batch_size=batch_size),
        lambda: path_start_sites(model, DECISIONS.batch, batch_size=batch_size),
    ):
        with pytest.raises(ConfigurationError, match=f"^batch_size is {batch_size}: expected a whole number, at least"):
            run()
