"""The fit finds the parameters data were made with, the reach of models, and no look-ahead where there is none."""

import numpy as np
import pytest

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.errors import UnknownNameError
from maze_rl.interp.behaviour.look_ahead import (
    CurveData,
    fit_curve,
    ideal_curves,
    ideal_look_ahead,
    look_ahead,
    pooled_steps,
)
from maze_rl.interp.behaviour.simple_rules import manhattan, right_share
from maze_rl.interp.inputs.decisions import Decisions, decision_logits, find_decisions, right_choices
from maze_rl.interp.inputs.within_reach import check_axis
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)
NUM = 3000


@pytest.fixture(scope="module")
def decisions() -> Decisions:
    batch = generate(sizes=[4], algorithm="dfs", num=300, seed=1, max_path_length=10).batches[0]
    return find_decisions(TOKENIZATION, batch)


def made(ahead: float, width: float, lapse: float, fallback: float, seed: int = 0) -> CurveData:
    """Draw choices, two of each maze, from a known curve."""
    random = np.random.default_rng(seed)
    k, greedy = random.integers(1, 13, NUM), random.choice([0.0, 0.5, 1.0], NUM)
    sees = 1 / (1 + np.exp(-(ahead - k) / width))
    chance = 0.45
    probability = sees * (1 - lapse) + (1 - sees) * ((1 - fallback) * chance + fallback * greedy)
    right = (random.random(NUM) < probability).astype(np.float64)
    return CurveData.of(np.arange(NUM) // 2, k, greedy, right, chance)


def test_the_fit_recovers_its_parameters() -> None:
    fit = fit_curve(made(5.5, 1.0, 0.05, 0.0), with_fallback=False)
    assert fit.where == "within"
    assert fit.look_ahead.low <= 5.5 <= fit.look_ahead.high and fit.look_ahead.high - fit.look_ahead.low < 1.5
    assert fit.width == pytest.approx(1.0, abs=0.35) and fit.lapse == pytest.approx(0.05, abs=0.04)
    joint = fit_curve(made(4.5, 0.6, 0.02, 0.8), with_fallback=True)
    assert joint.look_ahead.low <= 4.5 <= joint.look_ahead.high
    assert joint.fallback == pytest.approx(0.8, abs=0.1)


def test_flat_curves_have_no_look_ahead() -> None:
    for level, where in ((-50.0, "below"), (50.0, "above")):
        for with_fallback in (False, True):
            fit = fit_curve(made(level, 1.0, 0.02, 0.0), with_fallback=with_fallback)
            assert fit.where == where and np.isnan(fit.look_ahead.value)


def test_a_good_heuristic_is_neither_low_nor_high() -> None:
    greedy = made(-50.0, 1.0, 0.0, 1.0)
    assert fit_curve(greedy, with_fallback=True).where == "greedy"
    assert fit_curve(greedy, with_fallback=False).where != "greedy"
    # half of it draws: where greedy is right it is no better than by half, and low
    assert fit_curve(made(-50.0, 1.0, 0.0, 0.1), with_fallback=True).where == "below"
    # slips that greedy shares do not make a searcher's choices greedy ones
    assert fit_curve(made(12.5, 3.0, 0.02, 1.0), with_fallback=True).where != "greedy"


@pytest.mark.parametrize("size", [4, 5])
def test_manhattan_greedy_is_greedy_on_mazes_it_mostly_solves(size: int) -> None:
    batch = generate(sizes=[size], algorithm="wilson", num=300, seed=1).batches[0]
    found = find_decisions(load_tokenization("edges", canvas=size), batch)
    forks = found.is_fork
    right = right_share(found, manhattan(found))
    assert right[forks].mean() > 0.6
    assert look_ahead(found, right).joint.where == "greedy"
    assert look_ahead(found, np.ones(len(found))).joint.where == "above"
    assert look_ahead(found, found.chance).joint.where == "below"


def test_one_layout_tells_nothing_of_others(decisions: Decisions) -> None:
    maze = int(np.bincount(decisions.maze[decisions.is_fork]).argmax())
    same = find_decisions(TOKENIZATION, decisions.batch.take(np.full(6, maze)))
    curve = look_ahead(same, np.ones(len(same)))
    assert curve.steps and all((rate.low, rate.high) == (0.0, 1.0) for rate in curve.right_rate)
    assert (curve.steps_seen.low, curve.steps_seen.high) == (-np.inf, np.inf)
    # a k that one layout has says as little, whatever others do
    both = look_ahead(decisions, np.ones(len(decisions)))
    forks = decisions.take(decisions.is_fork)
    for k, rate in zip(both.steps, both.right_rate, strict=True):
        of = np.unique(forks.layouts[forks.look_ahead == k])
        assert ((rate.low, rate.high) == (0.0, 1.0)) == (len(of) == 1)


@pytest.mark.parametrize("steps", [2, 4])
def test_ideal_look_ahead_has_its_own(steps: int, decisions: Decisions) -> None:
    curve = look_ahead(decisions, ideal_look_ahead(decisions, steps))
    assert curve.joint.where == "within" and steps <= curve.joint.look_ahead.value <= steps + 1
    assert curve.joint.fallback > 0.9
    for k, rate in zip(curve.steps, curve.right_rate, strict=True):
        forks = decisions.is_fork & (decisions.look_ahead == k)
        greedy = right_share(decisions, manhattan(decisions))[forks].mean()
        assert rate.value == pytest.approx(1.0 if k <= steps else greedy)


def test_ideal_curves_hold_greedy_and_the_oracle(decisions: Decisions) -> None:
    curves = ideal_curves(decisions, ideal_steps=(0, 16))
    assert curves[0].joint.where == "greedy"
    assert curves[16].plain.where == "above" and curves[16].steps_seen.value == pytest.approx(
        pooled_steps(decisions.layouts[decisions.is_fork], decisions.look_ahead[decisions.is_fork].astype(np.int64))[0][
            -1
        ]
    )


def test_hand_built_models(decisions: Decisions) -> None:
    reach = 3
    for kind in ("wave", "ablated", "greedy"):
        limit = reach if kind == "ablated" else None
        model = build_hand_built(kind, TOKENIZATION, n_layers=12 if kind == "wave" else 5, reach=limit)
        right = right_choices(decisions, decision_logits(model, decisions))
        by_distance = look_ahead(decisions, right, axis="distance")
        if kind == "wave":
            assert by_distance.plain.where == by_distance.joint.where == "above"
        elif kind == "ablated":
            # the fork itself lies one step farther than its nearer neighbour, so that a fork at reach + 1 is solved
            assert reach <= by_distance.plain.look_ahead.value <= reach + 2
            near = decisions.is_fork & (decisions.distance <= reach)
            assert right[near].all()
        else:
            assert look_ahead(decisions, right).joint.where == "greedy"


def test_no_forks_are_no_curve(decisions: Decisions) -> None:
    none = look_ahead(decisions.take(~decisions.is_fork), np.ones(int((~decisions.is_fork).sum()), np.bool_))
    assert none.num_mazes == 0 and none.steps == () and np.isnan(none.steps_seen.value)


def test_an_unknown_axis_is_refused() -> None:
    check_axis("distance")
    with pytest.raises(UnknownNameError, match=r"unknown axis 'lookahead'. Did you mean 'look_ahead'"):
        check_axis("lookahead")
