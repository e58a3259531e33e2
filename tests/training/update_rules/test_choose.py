"""Update rules by name, one's own among them."""

from typing import Any

import pytest

from maze_rl.configs.choices import Choice, read_choice
from maze_rl.configs.update_rules import UPDATE_RULES
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.training.slots import Apply, Moment, Skip, UpdateRule
from maze_rl.training.update_rules.choose import SHIPPED, update_rule
from maze_rl.training.update_rules.dice import DiceRoll


class EverySecond:
    """A rule of one's own."""

    def __init__(self, per: Any = "step", apply_to: Any = "grad", seed: int = -1) -> None:
        self.per, self.apply_to, self.seed = per, apply_to, seed

    def decide(self, moment: Moment) -> Apply | Skip:
        return Apply() if moment.step % 2 else Skip()


def no_rule() -> int:
    return 3


def choose(text: str) -> UpdateRule:
    return update_rule(read_choice("update rule", UPDATE_RULES, text), seed=5)


def own(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    import sys
    import types

    module = types.ModuleType("own_rules_for_a_test")
    module.EverySecond, module.no_rule = EverySecond, no_rule  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_rules_for_a_test", module)
    return f"own_rules_for_a_test:{name}"


def test_every_named_rule_is_shipped() -> None:
    assert set(SHIPPED) == set(UPDATE_RULES)
    for name in UPDATE_RULES:
        assert isinstance(choose(name), UpdateRule)


def test_options_reach_the_rule() -> None:
    dice = choose("dice:v0,intelligence=15,dc=15,advantage=disadvantage,per=mini_batch,character=rogue")
    assert isinstance(dice, DiceRoll)
    assert (dice.per, dice.apply_to, dice.modifier, dice.advantage) == ("mini_batch", "loss", 2, "disadvantage")
    assert dice.save(18).scale == (18 + 2 - 15) / 5 and dice.adventure.abilities[0].name == "sneak_attack"
    assert choose("scale:0.35").decide(Moment(0, 1, lambda: 1.0)) == Apply(0.35, {"scale": 0.35})
    assert choose("every_step").decide(Moment(0, 1, lambda: 1.0)) == Apply(1.0)


def test_the_seed_of_the_run_decides_the_faces() -> None:
    rolls = [[choose("dice").decide(Moment(0, 0, lambda: 1.0)).record["face"]] for _ in range(2)]
    assert rolls[0] == rolls[1]


def test_ones_own_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = choose(own("EverySecond", monkeypatch) + ",per=mini_batch")
    assert isinstance(rule, EverySecond) and (rule.per, rule.seed) == ("mini_batch", 5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "has no attribute 'gone'"),
        ("EverySecond,colour=3", "unexpected keyword argument 'colour'"),
        ("EverySecond,apply_to=weights", "apply_to 'weights': expected"),
        ("EverySecond,per=mini_batch,apply_to=update", "a mini-batch has no update of its own"),
        ("no_rule", "expected an object with per, apply_to and decide"),
    ],
)
def test_faults_of_ones_own_rule_are_named(monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        choose(own(name, monkeypatch))
    assert "own_rules_for_a_test" in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'dice'"):
        update_rule(Choice("dices", {}), seed=0)
