"""A run is kept for continuing it: the stream at the decision alone, and what attention reads of earlier positions."""

from typing import Any

import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.decision_stream import Change, DecisionStream
from maze_rl.interp.inputs.patching_pairs import make_pairs
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import load_tokenization

EDGES = load_tokenization("edges", canvas=4)
PAIRS = make_pairs(EDGES, size=4, num=12, seed=1)


def test_the_stream_is_kept_at_the_decision_alone(monkeypatch) -> None:
    model = build_model(ModelConfig(n_layers=3, d_model=24, n_heads=2), EDGES).eval()
    rows = torch.arange(len(PAIRS))
    with torch.no_grad():
        logits: Any
        logits, plain = model.run_with_cache(PAIRS.clean)
    kept: list[str] = []
    whole = model.run_with_cache

    def spied(*args, **kwargs):
        final, cache = whole(*args, **kwargs)
        kept.extend(cache)
        return final, cache

    monkeypatch.setattr(model, "run_with_cache", spied)
    run = DecisionStream(model, PAIRS.clean, PAIRS.position)
    assert {name.split(".")[-1] for name in kept} == {"hook_k", "hook_v"}
    for layer in range(3):
        torch.testing.assert_close(run.streams[layer], plain["resid_post", layer][rows, PAIRS.position])
    assert torch.equal(run.choices, logits[rows, PAIRS.position].argmax(dim=-1))
    # what is put back changes nothing, and no hook stays behind
    same = run.go_on([Change(layer, rows, run.streams[layer]) for layer in range(3)])
    assert all(torch.equal(each, run.choices) for each in same)
    assert not any(point.fwd_hooks for point in model.hook_dict.values())


def test_a_decision_inside_a_visible_prompt_is_refused() -> None:
    model = build_model(ModelConfig(n_layers=2, d_model=24, n_heads=2, prompt="visible"), EDGES).eval()
    inside = PAIRS.position.clone()
    inside[3] = PAIRS.spans.path_start[3] - 1
    with pytest.raises(ConfigurationError, match="a decision lies in the prompt"):
        DecisionStream(model, PAIRS.clean, inside)
