"""Emergence against its control: one rule for both, and nothing is found that other mazes' labels show as well."""

import numpy as np
import pytest

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.interp.finding import Finding
from maze_rl.interp.probes.emergence import _beyond_control, correlations, emergence
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.tokenization import load_tokenization


def test_other_labels_of_a_wave_show_nothing() -> None:
    model = build_hand_built("wave", load_tokenization("edges", canvas=4), n_layers=10)
    found = emergence(model, generate(4, num=260, algorithm="dfs").batches[0]).finding
    assert found.verdict == "yes" and found.effect.value > 0.8
    assert found.control is not None and found.control.value == found.control.high == 0.0


def test_no_correlation_is_told_where_not_even_neighbours_are_known() -> None:
    steps = np.tile(np.arange(5), (40, 1))
    # layer l knows the cells l steps away and all before: a wave
    wave = np.stack([steps <= layer for layer in range(5)])
    assert correlations(wave, steps, 0)[0] == pytest.approx(1.0) and (correlations(wave, steps, 0)[1:] > 0.99).all()
    # cells 2 and 3 steps away alone, one layer apart: perfect ranks, and still no wave from the target
    middle = np.stack([(steps >= 2) & (steps < 2 + layer) for layer in range(3)])
    assert (correlations(middle, steps, 0) == 0).all()
    few = wave[:, :2]
    assert np.isnan(correlations(few, steps[:2], 0)).all()


def test_the_verdict_respects_the_control() -> None:
    draws = np.random.default_rng(0).normal(0, 0.02, (2, 1001))
    for found, by_chance, verdict in ((0.5, 0.0, "yes"), (0.5, 0.5, "no"), (0.5, -0.5, "yes"), (0.4, 0.6, "no")):
        effect, control = _beyond_control(found + draws[0], by_chance + draws[0])
        finding = Finding(name="", effect=effect, threshold=0.0, num_mazes=40, control=control)
        assert finding.verdict == verdict or (found == by_chance and finding.verdict != "yes")
        assert effect.value == pytest.approx(found - max(by_chance, 0), abs=0.1)
