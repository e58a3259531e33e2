"""S1 and B2 on hand-built models: the wave follows far changes, the greedy rule none of them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.errors import ConfigurationError
from maze_rl.interp.behaviour.flip_rate import flip_rates, logit_sensitivity
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, make_pairs, pair_logits, solved_pairs
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)
FAR = 3
"""Deeper changes are too rare in 4 x 4 mazes for a quick test."""


@pytest.fixture(scope="module")
def pairs() -> PatchingPairs:
    return make_pairs(TOKENIZATION, size=4, num=80, depths=(1, 5), max_distance=10)


@pytest.fixture(scope="module")
def deep() -> PatchingPairs:
    return make_pairs(TOKENIZATION, size=4, num=60, depths=(FAR, 5), max_distance=10)


@pytest.mark.parametrize(("kind", "verdict"), [("wave", "yes"), ("greedy", "no"), ("decoy", "no")])
def test_hand_built_models(kind, verdict: str, deep: PatchingPairs) -> None:
    model = build_hand_built(kind, TOKENIZATION, n_layers=12 if kind == "wave" else 4)
    rates = flip_rates(model, deep, far=FAR)
    assert rates.finding.verdict == verdict
    assert rates.depths == np.unique(deep.depth).tolist()
    assert sum(map(rates.num_solved, rates.depths)) == rates.solved.sum()
    if kind == "wave":
        assert rates.solved_text == "60 of 60 pairs solved in the clean maze"
        assert rates.finding.effect.value == rates.far_flip_rate.value == 1.0
        assert rates.false_flip_rate(FAR).value == 0.0 and rates.flip_rate(FAR).value == 1.0
    else:
        # rounding decides between neighbours that are level, which lets a few choices change
        assert rates.finding.effect.value < 0.15 and "solved in" in rates.finding.name


def test_rates_are_those_counted_pair_by_pair(pairs: PatchingPairs) -> None:
    pairs = pairs.take(np.arange(36))
    model = build_hand_built("ablated", TOKENIZATION, n_layers=5)
    rates = flip_rates(model, pairs, far=1)
    solved, flipped, left = [], [], []
    for row in range(len(pairs)):
        at = pairs.position[row : row + 1]
        answers = [
            int(pair_logits(model, tokens[row : row + 1], at).argmax())
            for tokens in (pairs.clean, pairs.flipped, pairs.control)
        ]
        right, wrong = int(pairs.right[row]), int(pairs.wrong[row])
        if answers[0] == right:
            solved.append(row)
            flipped.append(answers[1] == wrong)
            left.append(answers[2] != right)
    assert rates.far_flip_rate.value == pytest.approx(np.mean(flipped))
    assert rates.finding.effect.value == pytest.approx(np.mean(flipped) - np.mean(left))
    assert rates.finding.num_mazes == len(solved)


def test_who_solves_nothing_gets_a_no(pairs: PatchingPairs) -> None:
    model = build_hand_built("wave", TOKENIZATION, n_layers=4)
    torch.nn.init.normal_(model.unembed.W_U)
    torch.nn.init.zeros_(model.unembed.b_U)
    rates = flip_rates(model, pairs, far=1)
    assert rates.solved.sum() < 20 and rates.finding.num_mazes == len(pairs)
    assert rates.finding.verdict == "no" and "all pairs" in rates.finding.name
    none = flip_rates(model, pairs, far=50)
    assert none.finding.verdict == "unclear" and none.finding.num_mazes == 0


def test_logit_differences_turn_round_at_any_depth_for_the_wave_and_nowhere_for_greedy(pairs: PatchingPairs) -> None:
    wave = logit_sensitivity(build_hand_built("wave", TOKENIZATION, n_layers=12), pairs)
    assert wave.layers[:2] == ("embedding", "layer 0") and wave.by_layer.shape == (13, len(wave.depths))
    assert all(change.value == pytest.approx(1.0, abs=0.01) for change in wave.change)
    assert sum(wave.num_mazes) == len(pairs)
    assert abs(wave.by_layer[:3]).max() < 0.05 < 0.8 < wave.by_layer[-1].min()
    greedy = logit_sensitivity(build_hand_built("greedy", TOKENIZATION, n_layers=4), pairs)
    assert all(abs(change.value) < 0.01 for change in greedy.change)
    assert abs(greedy.slope.value) < 0.01
    short = logit_sensitivity(build_hand_built("ablated", TOKENIZATION, n_layers=12, reach=3), pairs)
    assert short.slope.high < 0


@pytest.mark.parametrize("ask", [flip_rates, logit_sensitivity, solved_pairs])
def test_no_pairs_are_refused(ask: Callable, pairs: PatchingPairs) -> None:
    model = build_hand_built("greedy", TOKENIZATION, n_layers=4)
    with pytest.raises(ConfigurationError, match=r"^there are no pairs to ask the model about: give at least one"):
        ask(model, pairs.take(np.zeros(0, np.int64)))
    with pytest.raises(ConfigurationError, match=r"^batch_size is 0: expected a whole number, at least 1"):
        ask(model, pairs, batch_size=0)
