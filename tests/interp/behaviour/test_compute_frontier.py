"""S4 on hand-built models: the wave's reach grows layer by layer, that of heuristics and of short waves does not."""

from inspect import unwrap

import numpy as np
import pytest

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.errors import UnknownNameError
from maze_rl.interp.behaviour.compute_frontier import _growth, compute_frontier, right_by_layer
from maze_rl.interp.inputs.decisions import Decisions, decision_logits, decision_streams, find_decisions
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)


@pytest.fixture(scope="module")
def decisions() -> Decisions:
    batch = generate(sizes=[4], algorithm="dfs", num=300, seed=1, max_path_length=10).batches[0]
    return find_decisions(TOKENIZATION, batch)


@pytest.mark.parametrize(
    ("kind", "verdict"), [("wave", "yes"), ("dead_end_filling", "yes"), ("greedy", "no"), ("decoy", "no")]
)
def test_hand_built_models(kind, verdict: str, decisions: Decisions) -> None:
    result = compute_frontier(build_hand_built(kind, TOKENIZATION, n_layers=12), decisions)
    assert result.finding.verdict == verdict
    assert len(result.steps_seen) == len(result.layers) == 13 and result.right_rate.shape == (13, len(result.steps))
    if verdict == "yes":
        assert result.trend.low > 0.5
        assert result.steps_seen[-1].value == pytest.approx(result.steps[-1], abs=0.5)


def test_the_wave_is_right_after_a_layer_within_its_reach(decisions: Decisions) -> None:
    model = build_hand_built("wave", TOKENIZATION, n_layers=8)
    forks = decisions.take(decisions.is_fork)
    right = right_by_layer(model, forks, decision_streams(model, forks, batch_size=64))
    for layer in range(3, 9):
        assert right[forks.distance <= layer - 2, layer].all()
        assert not right[forks.distance > layer, layer].all()
    logits = decision_logits(model, forks).numpy()
    options = np.where(forks.options, np.take_along_axis(logits, forks.next_ids.clip(0), axis=1), -np.inf)
    assert np.array_equal(right[:, -1], np.take_along_axis(forks.optimal, options.argmax(1)[:, None], 1)[:, 0])


def test_a_cut_wave_grows_less(decisions: Decisions) -> None:
    growth = [
        compute_frontier(build_hand_built("ablated", TOKENIZATION, n_layers=12, reach=reach), decisions).finding.effect
        for reach in (1, 5, 10)
    ]
    assert growth[0].value < growth[1].value < growth[2].value


def test_too_few_mazes_say_nothing(decisions: Decisions) -> None:
    few = compute_frontier(build_hand_built("greedy", TOKENIZATION, n_layers=3), decisions.take(decisions.maze < 15))
    assert few.finding.verdict == "unclear" and np.isnan(few.trend.value) and len(few.steps_seen) == 4


def test_what_is_readable_all_at_once_has_not_grown() -> None:
    late, steady = np.zeros((1, 13)), np.arange(13.0)[None]
    for from_layer in (12, 9, 4):
        late[:, from_layer:] = 8.0
        assert _growth(late) == 0
    # without its first rise: 0, 0, 1, ... 11, and a third of 13 layers is 4
    assert _growth(steady) == pytest.approx((8 + 9 + 10 + 11) / 4 - (0 + 0 + 1 + 2) / 4)
    assert _growth(-steady) < -8


def test_the_order_of_decisions_and_the_batch_do_not_matter(decisions: Decisions) -> None:
    model, forks = build_hand_built("wave", TOKENIZATION, n_layers=8), decisions.take(decisions.is_fork)
    turned = forks.take(np.arange(len(forks))[::-1])
    right = right_by_layer(model, forks, decision_streams(model, forks))
    assert np.array_equal(right_by_layer(model, turned, decision_streams(model, turned, batch_size=16)), right[::-1])
    every = decision_streams(model, decisions)
    given, made = (compute_frontier(model, decisions, streams=one) for one in (every, None))
    assert given.finding.effect == made.finding.effect


def test_an_unknown_axis_is_refused(decisions: Decisions) -> None:
    model = build_hand_built("greedy", TOKENIZATION, n_layers=3)
    with pytest.raises(UnknownNameError, match="unknown axis 'maze'"):
        unwrap(compute_frontier)(model, decisions, axis="maze")
