"""Soft weights: the same algorithm, with gradients that tell what exact patching finds."""

import numpy as np

from maze_rl import load_tokenization
from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.calibration.softness import SHARP, SOFT
from maze_rl.interp.inputs.patching_pairs import flip_tokens, make_pairs, solved_pairs
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.attribution_patching import attribution_maps


def test_attribution_follows_exact_patching_on_soft_weights_alone() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    pairs = make_pairs(tokenization, size=4, num=32, depths=(1, 5), max_distance=6, seed=1)
    agreement = {}
    for soft in (SHARP, SOFT):
        model = build_hand_built("wave", tokenization, n_layers=9, soft=soft)
        solved = solved_pairs(model, pairs)
        assert len(solved.rows) >= 12
        tokens = flip_tokens(pairs.take(solved.rows))
        exact = patch_map(model, tokens).effects.ravel()
        estimate = attribution_maps(model, tokens, components=("resid_pre",), steps=8)["resid_pre"].effects.ravel()
        known = np.isfinite(exact) & np.isfinite(estimate)
        agreement[soft] = np.corrcoef(exact[known], estimate[known])[0, 1]
    assert agreement[SOFT] > 0.9 > 0.5 > agreement[SHARP]
