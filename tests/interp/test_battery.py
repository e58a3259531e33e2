"""How the battery puts tests together: controls at their own slot, ablation on other mazes, reach where it is known."""

from dataclasses import fields

import numpy as np
import pytest

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.configs.model import ModelConfig
from maze_rl.interp import battery, loop_battery
from maze_rl.interp.inputs.decisions import find_decisions
from maze_rl.interp.inputs.patching_pairs import SolvedPairs, control_tokens, flip_tokens, make_pairs
from maze_rl.interp.inputs.position_groups import CHANGED, position_groups
from maze_rl.interp.interventions.head_ablation import ablate_heads
from maze_rl.interp.interventions.pair_patching import patch
from maze_rl.interp.interventions.patch_effects import total_effect
from maze_rl.interp.materials import Materials, Setting
from maze_rl.interp.probes.emergence import Emergence
from maze_rl.mazes.generate import generate
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import load_tokenization

EDGES = load_tokenization("edges", canvas=4)


def test_the_control_of_patching_is_patched_where_it_changes() -> None:
    model = build_model(ModelConfig(n_layers=2, d_model=24, n_heads=2), EDGES).eval()
    pairs = make_pairs(EDGES, size=4, num=12, seed=1)
    found = patch(model, pairs, SolvedPairs(np.arange(12), 12, 12, 12), 0)
    place = found.control.places.index(CHANGED)
    moved = total_effect(model, control_tokens(pairs))
    # the slot alone differs: putting it right before the first layer undoes all of the change
    assert np.abs(moved).min() > 0
    np.testing.assert_allclose(found.control.numerators[:, 0, place], moved, atol=1e-4)
    flipped = total_effect(model, flip_tokens(pairs))
    present = np.stack([mask.any(dim=1) for mask in position_groups(pairs, pairs.control_slot).values()], axis=1)
    np.testing.assert_allclose(found.control.denominators, flipped[:, None] * present, atol=1e-5)


def test_heads_are_ablated_on_other_mazes_than_named_them() -> None:
    model = build_hand_built("wave", EDGES, n_layers=6)
    named, others = (generate(4, "dfs", num, seed).batches[0] for num, seed in ((10, 1), (30, 2)))
    setting = Setting(size=4, num_mazes=10, num_pairs=10, num_probed=30, seed=3)
    subject = object.__new__(battery.Subject)
    materials = object.__new__(Materials)
    for name, value in (("setting", setting), ("decisions", find_decisions(EDGES, named)), ("probed", others)):
        object.__setattr__(materials, name, value)
    for name, value in (("model", model), ("materials", materials), ("named", ((3, 0),))):
        object.__setattr__(subject, name, value)
    found = battery.TESTS["ablation"](subject)
    expected = ablate_heads(model, find_decisions(EDGES, others, seed=3), [(3, 0)], how="resample", seed=3)
    assert found.drop == expected.drop and found.num_mazes == expected.num_mazes > 10


def test_reach_that_is_not_known_says_nothing_about_growth() -> None:
    known = object.__new__(Emergence)
    object.__setattr__(known, "reach", np.array([-1, -1, -1, -1, -1, 0, 1, 2, 3]))
    growth = battery.growth_of_reach(known)
    assert growth.winner == "linear" and growth.linear is not None
    assert growth.linear.slope == pytest.approx(1.0) and growth.linear.intercept == pytest.approx(-5.0)


def test_every_field_has_its_test() -> None:
    for made, tests in ((battery.Battery, battery.TESTS), (loop_battery.LoopBattery, loop_battery.TESTS)):
        assert {each.name for each in fields(made)} == {"judgement", "untrained", *tests}
