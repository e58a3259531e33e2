"""Options of the update rules: how they are read, and settings that can never do anything."""

import subprocess
import sys

import pytest

from maze_rl.configs.characters import CHARACTERS, MONSTERS
from maze_rl.configs.choices import read_choice
from maze_rl.configs.update_rules import UPDATE_RULES, check_update_rule, modifier_of
from maze_rl.errors import ConfigurationError, UnknownNameError


def check(text: str) -> None:
    check_update_rule(read_choice("update rule", UPDATE_RULES, text))


def test_defaults_and_the_first_option() -> None:
    dice = read_choice("update rule", UPDATE_RULES, "dice:head,dc=15,character=none")
    assert dice.options == {
        "rules": "head",
        "intelligence": 10,
        "dc": 15,
        "sides": 20,
        "advantage": "normal",
        "per": "step",
        "apply_to": None,
        "failure": 0.01,
        "character": None,
        "experience": False,
        "encounters": 0.0,
    }
    assert read_choice("update rule", UPDATE_RULES, "scale:0.25").options == {"scale": 0.25, "apply_to": "update"}


@pytest.mark.parametrize(("intelligence", "modifier"), [(1, -5), (8, -1), (9, -1), (10, 0), (11, 0), (15, 2), (20, 5)])
def test_modifier(intelligence: int, modifier: int) -> None:
    assert modifier_of(intelligence) == modifier


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dice:dc=31", "dc is 31: expected a whole number, 1 to 30"),
        ("dice:intelligence=0", "intelligence is 0"),
        ("dice:sides=7", "expected one of 4, 6, 8, 10, 12, 20, 100"),
        ("dice:advantage=both", "expected one of normal, advantage, disadvantage"),
        ("dice:encounters=1.5", "chance of meeting a monster"),
        ("dice:character=bard", "none, or one of wizard, rogue, fighter, cleric, barbarian, paladin"),
        ("dice:failure=-0.1", "0 to 1"),
        ("dice:rules=dnd", "expected one of classic, v0, head"),
        ("scale:scale=11", "-10 to 10"),
    ],
)
def test_values_out_of_range_are_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check(text)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'advantage'"):
        check("dice:advantages=normal")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dice:per=mini_batch,apply_to=update", "per=step, or apply_to=loss"),
        ("dice:dc=21", "dc=21 is never reached: a d20 with intelligence 10 gives at most 20. Take at most dc=20"),
        ("dice:sides=6,intelligence=8", "dc=12 is never reached: a d6 with intelligence 8 gives at most 5"),
        ("dice:sides=4,intelligence=1,dc=1", "at most -1. Take more sides or more intelligence"),
        ("dice:v0,dc=20", "dc=20 is never passed: .* Take at most dc=19"),
        ("dice:sides=12,character=wizard", "arcane_surge needs at least 15, which no face gives: .* 1 to 12"),
        ("dice:sides=12,intelligence=20,character=fighter", "action_surge needs at least 18"),
        ("dice:intelligence=20,dc=7,character=paladin", "aura needs a failed save, which no face gives"),
        ("dice:v0,failure=0.1", "failure=0.1 with rules=v0: only classic"),
    ],
)
def test_settings_that_can_never_do_anything_are_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        check(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "every_step",
        "scale",
        "dice",
        "dice:dc=20",
        "dice:v0,dc=19",
        "dice:sides=100,dc=30",
        "dice:per=mini_batch",
        "dice:per=mini_batch,apply_to=grad",
        "dice:intelligence=20,dc=8,character=paladin",
        "dice:failure=0",
        *(f"dice:character={name}" for name in CHARACTERS),
        "dice:sides=12,intelligence=20,character=rogue",
    ],
)
def test_settings_that_can_do_something_are_allowed(text: str) -> None:
    check(text)


def test_head_is_taken_as_it_is() -> None:
    """It reproduces its original, faults included: nothing that no face reaches is refused."""
    check("dice:head,dc=30")
    check("dice:head,sides=4,dc=15")
    check("dice:head,sides=4,character=wizard")


def test_the_table_of_characters_is_sound() -> None:
    names = [ability.name for abilities in CHARACTERS.values() for ability in abilities]
    assert len(set(names)) == len(names)
    assert {name: monster.dc for name, monster in MONSTERS.items()} == {"ooze": 12, "wraith": 14, "dragon": 15}


def test_neither_torch_nor_numpy_is_needed() -> None:
    code = "import sys, maze_rl.configs.update_rules; assert not {'torch', 'numba', 'numpy'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
