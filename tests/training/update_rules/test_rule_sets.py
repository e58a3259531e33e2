"""The three rule sets, against their tables written out once more; and their mean scales."""

import math

import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.training.update_rules.rule_sets import Save, classic, face_chances, head, mean_scale, saving_throw, v0

MODIFIERS = {8: -1, 10: 0, 15: 2, 20: 5}


def expected(rules: str, face: int, modifier: int, dc: int) -> float | None:
    """The table of the three rule sets on a d20; None is no update."""
    total = face + modifier
    worst, best, above = {
        "classic": (face == 1, face == 20, total - dc + 1),
        "v0": (face == 1, face == 20, total - dc),
        "head": (total == 1, total == 20, total - dc + 1),
    }[rules]
    if worst:
        return {"classic": None, "v0": None, "head": -1.0}[rules]
    if best:
        return 1.0
    if above > 0:
        return {"classic": face / 20, "v0": (total - dc) / 5, "head": (total - dc) / 100}[rules]
    return {"classic": -0.01, "v0": -0.01, "head": 0.0}[rules]


@pytest.mark.parametrize("dc", [12, 15])
@pytest.mark.parametrize("intelligence", MODIFIERS)
@pytest.mark.parametrize("rules", ["classic", "v0", "head"])
def test_every_face_gives_the_scale_of_the_table(rules: str, intelligence: int, dc: int) -> None:
    save = saving_throw(rules, intelligence, dc, 20)
    for face in range(1, 21):
        assert save(face).scale == expected(rules, face, MODIFIERS[intelligence], dc), face


def test_outcomes_by_name() -> None:
    assert [classic(face, 0, 12, 20).outcome for face in (1, 11, 12, 20)] == [
        "critical failure",
        "failure",
        "success",
        "critical success",
    ]
    assert v0(12, 0, 12, 20).outcome == "failure" and v0(13, 0, 12, 20).outcome == "success"
    assert head(18, 2, 12, 20) == Save("critical success", 1.0)


def test_a_modifier_never_moves_a_critical_of_classic_and_v0_but_does_in_head() -> None:
    for rule_set in (classic, v0):
        for modifier in (-5, 0, 5):
            outcomes = [rule_set(face, modifier, 12, 20).outcome for face in range(1, 21)]
            assert outcomes[0] == "critical failure" and outcomes[-1] == "critical success"
            assert not any("critical" in outcome for outcome in outcomes[1:-1])
    assert "critical failure" not in [head(face, 2, 12, 20).outcome for face in range(1, 21)]
    assert head(2, -1, 12, 20).outcome == "critical failure"


@pytest.mark.parametrize("sides", [4, 6, 8, 10, 12, 20, 100])
def test_the_largest_face_of_every_die_is_its_critical(sides: int) -> None:
    for rule_set in (classic, v0, head):
        assert rule_set(sides, 0, 3, sides) == Save("critical success", 1.0)
    assert classic(sides - 1, 0, 3, sides) == Save("success", (sides - 1) / sides)


def test_failure_takes_back_what_it_is_told() -> None:
    assert classic(5, 0, 12, 20, 0.25).scale == -0.25
    scale = classic(5, 0, 12, 20, 0).scale
    assert scale == 0.0 and math.copysign(1, scale) == 1


@pytest.mark.parametrize(
    ("rules", "intelligence", "dc", "mean"),
    [
        ("head", 10, 15, 0.005),
        ("head", 15, 12, 0.0735),
        ("v0", 10, 15, 0.143),
        ("v0", 15, 12, 0.4955),
        ("classic", 10, 12, (sum(range(12, 20)) / 20 + 1 - 0.1) / 20),
    ],
)
def test_mean_scale(rules: str, intelligence: int, dc: int, mean: float) -> None:
    assert mean_scale(rules, intelligence=intelligence, dc=dc) == pytest.approx(mean, abs=1e-12)


def test_mean_of_the_faces_with_advantage_and_without() -> None:
    means = {
        advantage: sum(face * chance for face, chance in enumerate(face_chances(20, advantage), 1))
        for advantage in ("normal", "advantage", "disadvantage")
    }
    assert means == pytest.approx({"normal": 10.5, "advantage": 13.825, "disadvantage": 7.175})
    assert mean_scale(advantage="advantage") > mean_scale() > mean_scale(advantage="disadvantage")


def test_mean_scale_refuses_dice_that_do_not_exist() -> None:
    with pytest.raises(ConfigurationError, match="sides is 7: expected one of 4, 6, 8"):
        mean_scale(sides=7)
