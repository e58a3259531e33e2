"""Ablating a wave head costs exactly what its layer's step decides; sets run together do as they do alone."""

from dataclasses import replace
from inspect import unwrap

import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.interp.inputs.decisions import Decisions, decision_logits, find_decisions, right_choices
from maze_rl.interp.interventions.head_ablation import _right_by_set, ablate_heads
from maze_rl.intervals import Interval
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization

EDGES = load_tokenization("edges", canvas=4)


@pytest.fixture(scope="module")
def wave() -> MazeTransformer:
    return build_hand_built("wave", EDGES, n_layers=8)


@pytest.fixture(scope="module")
def decisions() -> Decisions:
    return find_decisions(EDGES, generate(4, "dfs", 40, 3, split="test").batches[0])


def test_a_wave_head_carries_the_steps_from_its_ring_on(wave: MazeTransformer, decisions: Decisions) -> None:
    forks = decisions.take(decisions.is_fork)
    layer, ring = 4, 2  # wave layers count from 2, and nearness is known for distances below their number
    sets = [(), ((layer, 0),), ((layer, 1),)]
    right = _right_by_set(wave, decisions, forks, sets, "mean", decisions, 0, 64)
    near, reached = forks.distance - 1 < ring, forks.distance - 1 < 6
    assert right[0][reached].all()
    assert right[1][near].all()
    assert right[1][reached & ~near].mean() < 0.8
    assert np.array_equal(right[2], right[0])


@pytest.mark.parametrize("how", ["mean", "resample"])
def test_wave_heads_lose_deep_forks_and_idle_heads_nothing(wave: MazeTransformer, decisions: Decisions, how) -> None:
    result = ablate_heads(wave, decisions, [(3, 0)], how=how, split_at=2)
    assert result.drop.low > 0.1
    assert len(result.random_drops) == 2
    assert np.array_equal(result.random_drops, [0.0, 0.0])
    assert result.percentile == 1.0
    assert result.finding.verdict != "no"
    assert result.drop.value == pytest.approx(result.right_rate.value - result.ablated_rate.value)
    assert sum(num for _, num in result.drop_by_look_ahead.values()) == result.num_forks
    idle = ablate_heads(wave, decisions, [(3, 1)], how=how)
    assert idle.drop.value == 0.0
    assert idle.finding.verdict == "no"


@pytest.mark.parametrize("how", ["mean", "resample"])
def test_many_sets_at_once_do_as_each_does_alone(decisions: Decisions, how) -> None:
    shape = ModelConfig(n_layers=3, d_model=24, n_heads=3, positions="learned")
    model = build_model(shape, EDGES, seed=1).eval()
    forks = decisions.take(decisions.is_fork)
    sets = [(), ((0, 1), (2, 0)), ((0, 1), (1, 2)), ((2, 0),)]
    together = _right_by_set(model, decisions, forks, sets, how, decisions, 0, 7)
    alone = [_right_by_set(model, decisions, forks, [(), each], how, decisions, 0, 64)[1] for each in sets]
    assert np.array_equal(together, np.array(alone))
    assert np.array_equal(together[0], right_choices(forks, decision_logits(model, forks)))


def test_mean_ablation_is_what_a_plain_hook_with_the_means_gives(decisions: Decisions) -> None:
    shape = ModelConfig(n_layers=2, d_model=24, n_heads=3, positions="learned")
    model = build_model(shape, EDGES, seed=1).eval()
    with torch.no_grad():
        z = model.run_with_cache(decisions.tokens)[1]["z", 0][:, :, 1]
        decided = torch.zeros(decisions.tokens.shape, dtype=torch.bool)
        decided[decisions.maze, decisions.position] = True
        last = torch.tensor([decisions.position[decisions.maze == maze].max() for maze in range(40)])
        rest = ~decided & (torch.arange(decided.shape[1]) <= last[:, None])
        mean = torch.where(decided[..., None], z[decided].mean(dim=0), z[rest].mean(dim=0))

        def hook(value, hook):
            value[:, :, 1] = mean
            return value

        logits = model.run_with_hooks(decisions.tokens, fwd_hooks=[("blocks.0.attn.hook_z", hook)])
    forks = decisions.take(decisions.is_fork)
    expected = right_choices(forks, logits[forks.maze, forks.position])
    found = _right_by_set(model, decisions, forks, [((0, 1),)], "mean", decisions, 0, 16)[0]
    assert np.array_equal(found, expected)


def test_what_cannot_be_ablated_is_refused(wave: MazeTransformer, decisions: Decisions) -> None:
    with pytest.raises(ConfigurationError, match="no head 3 in layer 0"):
        ablate_heads(wave, decisions, [(0, 3)])
    with pytest.raises(ConfigurationError, match="empty"):
        ablate_heads(wave, decisions, [])
    with pytest.raises(ConfigurationError, match="no decision is a fork"):
        ablate_heads(wave, decisions.take(~decisions.is_fork), [(2, 0)])


def test_the_verdict_needs_a_place_among_random_sets(wave: MazeTransformer, decisions: Decisions) -> None:
    result = ablate_heads(wave, decisions, [(3, 0)])
    assert "2 random sets" in result.finding.control_name and "too few for a percentile" in result.finding.control_name
    lost = replace(result, beyond_random=Interval(0.4, 0.3, 0.5), random_drops=np.linspace(0, 0.5, 40))
    for percentile, verdict in ((0.5, "unclear"), (0.94, "unclear"), (0.95, "yes"), (1.0, "yes")):
        finding = replace(lost, percentile=percentile).finding
        assert finding.verdict == verdict and finding.percentile == percentile
        assert "too few" not in finding.control_name
    # too few sets for a place: the finding of two sets is no yes, whatever the drop
    few = replace(lost, random_drops=lost.random_drops[:2], percentile=1.0).finding
    assert few.verdict == "unclear"
    nothing = replace(lost, beyond_random=Interval(0.0, -0.1, 0.05), percentile=0.2)
    assert nothing.finding.verdict == "no"


@pytest.fixture(scope="module")
def one_layout() -> Decisions:
    """Eight times one maze, with three forks on its way."""
    mazes = generate(4, "dfs", 200, 3, split=None).batches[0]
    forks = find_decisions(EDGES, mazes)
    maze = int(np.bincount(forks.maze[forks.is_fork]).argmax())
    return find_decisions(EDGES, mazes.take(np.full(8, maze)))


@pytest.mark.parametrize("how", ["mean", "resample"])
def test_one_layout_tells_nothing_of_others(how, wave: MazeTransformer, one_layout: Decisions) -> None:
    result = ablate_heads(wave, one_layout, [(2, 0), (3, 0)], how=how)
    assert result.num_layouts == 1
    for rate in (result.right_rate, result.ablated_rate):
        assert (rate.low, rate.high) == (0.0, 1.0)
    for drop in (result.drop, result.beyond_random):
        assert (drop.low, drop.high) == (-1.0, 1.0)
    assert result.finding.verdict == "unclear"


def test_a_verdict_needs_layouts(wave: MazeTransformer, decisions: Decisions) -> None:
    lost = replace(
        ablate_heads(wave, decisions, [(3, 0)]),
        beyond_random=Interval(0.4, 0.3, 0.5),
        random_drops=np.linspace(0, 0.5, 40),
        percentile=1.0,
    )
    assert replace(lost, num_layouts=20).finding.verdict == "yes"
    assert replace(lost, num_layouts=19).finding.verdict == "unclear"


def test_no_maze_is_resampled_from_itself(wave: MazeTransformer, one_layout: Decisions, decisions: Decisions) -> None:
    alone = find_decisions(EDGES, one_layout.batch.take(np.array([0])))
    with pytest.raises(ConfigurationError, match="resample gives each maze another's values, and there is one"):
        ablate_heads(wave, alone, [(2, 0)], how="resample")
    ablate_heads(wave, alone, [(2, 0)], how="resample", reference=decisions)
    ablate_heads(wave, alone, [(2, 0)], how="mean")
    with pytest.raises(ConfigurationError, match="batch_size is 0: expected a whole number, at least 1"):
        ablate_heads(wave, decisions, [(2, 0)], batch_size=0)


def test_prompts_of_several_lengths_are_refused_on_either_side(wave: MazeTransformer) -> None:
    cyclic = generate(4, "dfs_percolation", 20, 3).batches[0]
    asked = find_decisions(EDGES, cyclic)
    alike = np.flatnonzero(asked.spans.path_start.numpy() == int(asked.spans.path_start[0]))
    assert 0 < len(alike) < 20
    with pytest.raises(ConfigurationError, match="one length"):
        ablate_heads(wave, asked, [(3, 0)], how="resample", reference=find_decisions(EDGES, cyclic.take(alike)))


def test_an_unknown_way_is_no_resampling(wave: MazeTransformer, decisions: Decisions) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown ablation 'zero'. .*Choices: mean, resample"):
        unwrap(ablate_heads)(wave, decisions, [(2, 0)], how="zero")
