"""Every ability, monster and level changes an update, in both modes; charges and points are used up."""

import math

import pytest
import torch

from maze_rl.configs.characters import CHARACTERS, MONSTERS
from maze_rl.training.slots import Apply, Moment, Skip
from maze_rl.training.update_rules.adventure import Adventure, level_of
from maze_rl.training.update_rules.dice import DiceRoll
from maze_rl.training.update_rules.dice_optimizer import DiceOptimizer
from maze_rl.training.update_rules.rule_sets import Save, classic

BOTH = pytest.mark.parametrize("per", ["mini_batch", "step"])


def loaded(die: DiceRoll, *faces: int) -> DiceRoll:
    """A die that shows `faces`, one after the other."""
    queue = list(faces)
    die.throw = lambda: [queue.pop(0)]  # type: ignore[method-assign]
    return die


def change(die: DiceRoll, losses: list[float]) -> list[float]:
    """Train one weight with plain SGD at rate 1; return how much each step changes it, divided by its gradient."""
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    dice = DiceOptimizer(torch.optim.SGD([weight], lr=1.0), die, clip_norm=math.inf)
    changes = []
    for loss in losses:
        before = weight.item()
        dice.weigh(loss - weight.sum() + weight.sum().detach()).backward()
        dice.step()
        dice.zero_grad()
        changes.append(weight.item() - before)
    return changes


def chance(die: DiceRoll, value: float) -> None:
    class Fixed:
        def random(self) -> float:
            return value

        def integers(self, number: int) -> int:
            return 0

    die.adventure._random = Fixed()  # type: ignore[assignment]


@BOTH
@pytest.mark.parametrize(
    ("character", "ability", "faces", "changes"),
    [
        ("wizard", "arcane_surge", (14, 15, 15, 15, 15), (0.7, 0.75 * 1.5, 0.75 * 1.5, 0.75 * 1.5, 0.75)),
        ("rogue", "sneak_attack", (11, 12, 20), (-0.01, 0.6 * 1.2, 1.2)),
        ("fighter", "second_wind", (9, 9, 9, 11), (-0.005, -0.005, -0.01, -0.01)),
        ("fighter", "action_surge", (18, 18), (0.9 * 2, 0.9)),
        ("barbarian", "rage", (16, 12, 2, 12), (0.8 * 1.5, 0.6 * 1.5, -0.015, 0.6)),
        ("barbarian", "frenzy", (18, 12), (0.9 * 2, 0.6 * 1.5)),
        ("paladin", "smite", (15, 18, 20, 20), (0.75 * 1.5, 0.9 * 1.8, 2.0, 1.0)),
        ("paladin", "aura", (2, 11), (-0.005, -0.005)),
    ],
)
def test_ability_changes_the_update(per: str, character: str, ability: str, faces: tuple, changes: tuple) -> None:
    die = loaded(DiceRoll(0, character=character, per=per), *faces)  # type: ignore[arg-type]
    assert change(die, [1.0] * len(faces)) == pytest.approx(changes)
    die = loaded(DiceRoll(0, character=character, per=per), *faces)  # type: ignore[arg-type]
    records = [die.decide(Moment(0, 0, lambda: 1.0)).record for _ in faces]
    assert ability in {record.get("ability") for record in records}


@BOTH
def test_a_clerics_healing_word_brings_a_spike_down(per: str) -> None:
    die = loaded(DiceRoll(0, character="cleric", per=per), 20, 20, 20, 20)  # type: ignore[arg-type]
    assert change(die, [1.0, 1.5, 4.0, 5.0]) == pytest.approx([1.0, 1.0, 1.1 * 1.5 / 4.0, 1.0])


@BOTH
@pytest.mark.parametrize(("fortune", "taken"), [(0.05, 0.5), (0.15, 0.0)])
def test_an_intervention_rescues_half_of_an_update_in_a_tenth_of_the_natural_ones(
    per: str, fortune: float, taken: float
) -> None:
    die = loaded(DiceRoll(0, character="cleric", per=per), 1)  # type: ignore[arg-type]
    chance(die, fortune)
    assert change(die, [1.0]) == [taken]


@BOTH
@pytest.mark.parametrize("name", MONSTERS)
def test_a_monster_changes_the_update_below_its_difficulty(per: str, name: str) -> None:
    monster = MONSTERS[name]
    low, high = monster.dc - 1, monster.dc
    die = loaded(DiceRoll(0, dc=10, encounters=1.0, per=per), low, high, low)  # type: ignore[arg-type]
    die.adventure._random = type(
        "Fixed",
        (),
        {
            "random": lambda self: 0.0,
            "integers": lambda self, number: list(MONSTERS).index(name),
        },
    )()
    low_scale = low / 20 * monster.effect.factor
    # three rolls, and the monster leaves
    assert change(die, [1.0] * 3) == pytest.approx([low_scale, high / 20, low_scale])
    assert die.adventure.monster is None


def test_rolls_that_hit_use_up_a_monsters_points_until_it_is_beaten() -> None:
    adventure = Adventure(0, None, experience=True, encounters=1.0)
    adventure.monster, adventure.hp, adventure.monster_rounds = MONSTERS["wraith"], 25, 3
    steps = [(13, 25, True), (14, 11, True), (14, 0, False)]
    for total, hp, alive in steps:
        _, record = adventure.turn(classic(total, 0, 12, 20), total, None)
        assert (record["monster"], record["hp"]) == ("wraith", hp)
        assert (adventure.monster is not None) == alive
    assert adventure.experience == 20 * (13 + 14 + 14)  # twice the points in an encounter


@BOTH
def test_experience_raises_the_level_and_with_it_the_update(per: str) -> None:
    die = loaded(DiceRoll(0, experience=True, per=per), *[20] * 8)  # type: ignore[arg-type]
    changes = change(die, [1.0] * 8)
    # 200 points a roll: level 2 from 1000 on, level 3 from 1500 on
    assert changes == pytest.approx([1.0] * 5 + [1.1] * 3)
    assert [level_of(points) for points in (0, 999, 1000, 1499, 1500, 2249, 2250)] == [1, 1, 2, 2, 3, 3, 4]


def test_a_failed_save_teaches_nothing_and_a_new_level_brings_charges_back() -> None:
    die = loaded(DiceRoll(0, character="fighter", experience=True), 2, 2, 2, 18, 20, 20, 20, 20, 18)
    scales = [die.decide(Moment(0, 0, lambda: 1.0)).record["scale"] for _ in range(9)]
    assert scales[:4] == pytest.approx([-0.005, -0.005, -0.01, 1.8])
    # 980 points before the last roll: it still has no charge, and then brings the level
    assert scales[8] == 0.9
    assert die.adventure.experience == 10 * (18 + 4 * 20 + 18) and level_of(die.adventure.experience) == 2
    assert die.adventure.charges == {"second_wind": 2, "action_surge": 1}


def test_abilities_do_not_undo_a_natural_1() -> None:
    for character in CHARACTERS:
        die = loaded(DiceRoll(0, character=character, experience=True, encounters=1.0), 1)
        chance(die, 0.5)
        assert isinstance(die.decide(Moment(0, 0, lambda: 1.0)), Skip)
    raging = loaded(DiceRoll(0, character="barbarian"), 16, 1, 12)
    kinds = [type(raging.decide(Moment(0, 0, lambda: 1.0))) for _ in range(3)]
    assert kinds == [Apply, Skip, Apply]


def test_head_multiplies_its_scale_of_minus_1_as_its_original_does() -> None:
    adventure = Adventure(0, "cleric", experience=False, encounters=0.0)
    adventure._random = type("Fixed", (), {"random": lambda self: 0.0})()
    assert adventure.turn(Save("critical failure", -1.0), 1, 1.0)[0] == -0.5
