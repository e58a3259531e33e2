"""The verdict follows its rule, and a search of few steps is one within these steps."""

from types import SimpleNamespace
from typing import Any

import pytest

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.interp.behaviour.reach import Reach
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.materials import Setting
from maze_rl.interp.verdict import Judgement, judge
from maze_rl.intervals import Interval
from maze_rl.tokenization.tokenization import load_tokenization


def judgement(steps: int, high: float, *, within: str | None = None, s2: str = "no", whole: bool = False) -> Judgement:
    reach, made = object.__new__(Reach), object.__new__(Judgement)
    curve = SimpleNamespace(joint=SimpleNamespace(look_ahead=Interval(steps + 0.5, steps + 0.1, high)))
    for name, value in {"axis": "distance", "steps": steps, "whole": whole, "curve": curve}.items():
        object.__setattr__(reach, name, value)
    card: Any = SimpleNamespace(scores={"S2": SimpleNamespace(verdict=s2)})
    judged = None if within is None else SimpleNamespace(verdict=within)
    for name, value in {"reach": reach, "card": card, "within": judged}.items():
        object.__setattr__(made, name, value)
    return made


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (judgement(6, 6.9, within="searches"), "searches within 6 steps from the target"),
        (judgement(9, 9.9, within="searches", whole=True), "searches within 9 steps from the target at least"),
        (judgement(6, 6.9, within="heuristic"), "heuristic"),
        (judgement(3, 3.9), "undecided"),  # no demanding maze lies within three steps
        (judgement(5, 5.9), "undecided"),  # too few mazes lie within
        (judgement(2, 3.4), "undecided"),  # its interval holds three
        (judgement(2, 2.9), "heuristic"),
        (judgement(2, 2.9, s2="yes"), "represents without use"),
        (judgement(0, float("nan")), "heuristic"),
    ],
)
def test_the_verdict_by_reach_and_scores(made: Judgement, said: str) -> None:
    assert made.text == said


@pytest.mark.parametrize(("steps", "far"), [(4, 2), (5, 3), (6, 4), (12, 4)])
def test_what_counts_as_far_shrinks_with_the_reach(steps: int, far: int) -> None:
    assert Setting(size=7, within=Within("distance", steps)).far == far
    assert Setting(size=7).far == 4


@pytest.mark.slow
def test_a_wave_of_few_steps_searches_within_them() -> None:
    model = build_hand_built("wave", load_tokenization("edges", canvas=6), n_layers=6)
    setting = Setting(size=6, split=None, num_mazes=120, num_pairs=60, num_probed=120, num_swapped=1280)
    found = judge(model, setting)
    assert found.text == "searches within 4 steps from the target"
    assert found.card.verdict != "searches"  # the same model, asked for more than it can see
