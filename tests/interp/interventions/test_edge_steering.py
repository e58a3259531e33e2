"""Edges written into a searching model's activations turn its decisions; a greedy model's only where they touch u."""

import numpy as np
import pytest

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.patching_pairs import make_pairs
from maze_rl.interp.interventions.edge_steering import SteeringResult, edge_features, steer_edges
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import load_tokenization


def steered(kind, name: str, num: int) -> SteeringResult:
    tokenization = load_tokenization(name, canvas=4)
    model = build_hand_built(kind, tokenization, n_layers=9)
    # the test split has 26 layouts of this size: too few for a verdict
    pairs = make_pairs(tokenization, size=4, num=num, depths=(1, 20), max_distance=7, split=None)
    return steer_edges(model, pairs, layers=(0, 1), strengths=(0.5, 1.0))


@pytest.mark.parametrize(("name", "num"), [("edges", 120), ("unique_cells", 50)])
def test_a_search_follows_edges_that_are_added_and_removed(name: str, num: int) -> None:
    result = steered("wave", name, num)
    for effect in (result.add, result.remove):
        assert effect.num_confirmation >= 3
        assert effect.success.value > 0.9
        assert effect.sign_flipped.value < 0.5
        assert effect.random_direction.value < 0.7
        assert effect.num_confirmation <= effect.num_qualified <= effect.num_asked
        assert effect.finding.threshold == 0.3
        assert effect.finding.verdict != "no"
    assert result.add.random_direction.value == result.add.sign_flipped.value == 0.0
    if name == "edges":
        assert result.add.finding.verdict == "yes"


def test_greedy_decisions_are_turned_by_edges_at_the_fork_alone() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    model = build_hand_built("greedy", tokenization, n_layers=3)
    far, near = (
        steer_edges(model, make_pairs(tokenization, size=4, num=60, depths=depths), layers=(0, 1), strengths=(1.0,))
        for depths in ((1, 20), (0, 0))
    )
    assert far.add.num_asked > 5
    assert far.add.num_qualified == far.remove.num_qualified == 0
    assert [finding.verdict for finding in far.findings] == ["unclear", "unclear"]
    assert near.remove.num_confirmation > 3
    assert near.remove.success.value > 0.9


def test_a_feature_is_the_mean_at_the_slot_less_that_at_the_end_of_the_list() -> None:
    tokenization = load_tokenization("unique_cells", canvas=4)
    model = build_hand_built("wave", tokenization, n_layers=4)
    pairs = make_pairs(tokenization, size=4, num=12, depths=(1, 20))
    features = edge_features(model, pairs, (0, 2))
    cache = model.run_with_cache(pairs.clean)[1]["resid_post", 2].detach().numpy()
    list_end = tokenization.word_ids["<ADJLIST_END>"]
    ends = np.stack([cache[row, tokens.index(list_end)] for row, tokens in enumerate(pairs.clean.tolist())])
    marks = []
    for row, tokens in enumerate(pairs.clean.tolist()):
        one, other = (int(tokenization.layout.cell_ids[cell]) for cell in ((1, 2), (2, 2)))
        marks += [
            cache[row, at + 3]
            for at in range(1, tokens.index(list_end), 4)
            if {tokens[at], tokens[at + 2]} == {one, other}
        ]
    assert 0 < len(marks) < 12
    expected = np.mean(marks, axis=0) - ends.mean(axis=0)
    assert np.allclose(features[2][0, 1, 2].numpy(), expected, atol=1e-4)


def test_too_few_pairs_are_refused() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    pairs = make_pairs(tokenization, size=4, num=3, depths=(1, 20))
    with pytest.raises(ConfigurationError, match="needs 4 pairs"):
        steer_edges(build_hand_built("greedy", tokenization, n_layers=3), pairs)


@pytest.mark.parametrize("layers", [[-1], [2], []])
def test_layers_that_are_not_there_are_refused(layers: list[int]) -> None:
    tokenization = load_tokenization("edges", canvas=4)
    pairs = make_pairs(tokenization, size=4, num=4, depths=(1, 20))
    model = build_hand_built("greedy", tokenization, n_layers=2)
    for call in (lambda: steer_edges(model, pairs, layers=layers), lambda: edge_features(model, pairs, layers)):
        with pytest.raises(ConfigurationError, match=r"layers is .*: name at least one from 0 to 1"):
            call()
    with pytest.raises(ConfigurationError, match="4 pairs or more, and one strength"):
        steer_edges(model, pairs, layers=[0], strengths=())


def test_the_only_layer_of_a_model_is_tried() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1), tokenization)
    assert steer_edges(model, make_pairs(tokenization, size=4, num=8, depths=(1, 20))).add.layer == 0
