"""The named update rules and their options; their code is in `maze_rl.training.update_rules`.

``dice`` is Roll-to-Train. Its modes ``per_mini_batch`` and ``per_accumulation_step`` are ``per=mini_batch`` and
``per=step`` here. A roll per mini-batch can scale only what a mini-batch has of its own, its loss; a roll per step
scales the update by default, since adaptive optimizers cancel a scale of the gradient. ``dc`` is 12 by default: with
the modifier 0 of intelligence 10, 9 of 20 faces are saves (the original's library has 15, its command line 12 with
intelligence 15).
"""

from collections.abc import Iterator

from maze_rl.configs.characters import CHARACTERS, CRITICAL_FAILURE, FAILURE, Effect
from maze_rl.configs.choices import Choice, Known, flag, number, one_of
from maze_rl.configs.options import Option, OptionValue, is_count, is_share
from maze_rl.errors import ConfigurationError

RULE_SETS = ("classic", "v0", "head")
SIDES = (4, 6, 8, 10, 12, 20, 100)
FAILURE_SCALE = 0.01
"""Default share of the update that a failed save takes back (`classic`)."""


def _one_or_none(*words: str) -> Option:
    return Option(None, lambda value: value is None or value in words, f"none, or one of {', '.join(words)}")


UPDATE_RULES: Known = {
    "every_step": {},
    "dice": {
        "rules": one_of(*RULE_SETS),
        "intelligence": Option(10, lambda value: is_count(value, 1, 20), "a whole number, 1 to 20"),
        "dc": Option(12, lambda value: is_count(value, 1, 30), "a whole number, 1 to 30"),
        "sides": Option(20, lambda value: is_count(value) and value in SIDES, f"one of {', '.join(map(str, SIDES))}"),
        "advantage": one_of("normal", "advantage", "disadvantage"),
        "per": one_of("step", "mini_batch"),
        "apply_to": _one_or_none("update", "grad", "loss"),
        "failure": number(FAILURE_SCALE, 0, 1, "the share of the update a failure takes back, 0 to 1"),
        "character": _one_or_none(*CHARACTERS),
        "experience": flag(False),
        "encounters": Option(0.0, is_share, "the chance of meeting a monster before a roll, 0 to 1"),
    },
    "scale": {
        "scale": number(1.0, -10, 10, "the factor on every update, -10 to 10"),
        "apply_to": one_of("update", "grad", "loss"),
    },
    "noise": {
        "scale": number(1.0, -10, 10, "the factor on every update, -10 to 10"),
        "noise": number(0.1, 0, 10, "the spread of the noise in units of the update, 0 to 10"),
    },
}
"""`apply_to` none: the update where a roll is per step, the loss where it is per mini-batch."""


def modifier_of(intelligence: int) -> int:
    """Return what intelligence adds to a roll: (intelligence - 10) / 2, rounded down."""
    return (intelligence - 10) // 2


def check_update_rule(choice: Choice) -> None:
    """Refuse settings of the dice that contradict each other or can never do anything.

    ``head`` reproduces its original with its faults, so a difficulty, an ability or a natural 1 that no face
    reaches is not refused there.

    Raises:
        ConfigurationError: Names the values and what would work.
    """
    if choice.name == "dice":
        for fault in _faults(**choice.options):  # type: ignore[arg-type]
            raise ConfigurationError(f"dice: {fault}")


def _faults(
    *,
    rules: str,
    intelligence: int,
    dc: int,
    sides: int,
    per: str,
    apply_to: str | None,
    failure: int | float,
    character: str | None,
    **_: OptionValue,
) -> Iterator[str]:
    if per == "mini_batch" and apply_to == "update":
        yield (
            "apply_to=update with per=mini_batch: a mini-batch has no update of its own. Write per=step, "
            "or apply_to=loss."
        )
    if rules != "classic" and failure != FAILURE_SCALE:
        yield f"failure={failure} with rules={rules}: only classic has one to set. Leave it out, or take rules=classic."
    if rules == "head":
        return
    modifier = modifier_of(intelligence)
    highest = sides + modifier
    greatest_dc = highest if rules == "classic" else highest - 1
    throw = f"a d{sides} with intelligence {intelligence} gives at most {highest}"
    if dc > greatest_dc:
        lower = f"at most dc={greatest_dc}, " if greatest_dc >= 1 else ""
        missed = "reached" if rules == "classic" else "passed"
        yield f"dc={dc} is never {missed}: {throw}. Take {lower}more sides or more intelligence."
    first_failing = dc if rules == "classic" else dc + 1
    for ability in CHARACTERS.get(character or "", ()):
        if not _can_fire(ability, 1 + modifier, highest, first_failing):
            yield (
                f"character={character}: {ability.name} needs {_needs(ability)}, which no face gives: face + modifier "
                f"is {1 + modifier} to {highest}, and a save from {first_failing} on. Take other sides, intelligence "
                "or dc, or another character."
            )


def _can_fire(ability: Effect, lowest: int, highest: int, saves_from: int) -> bool:
    """Tell whether some face (a natural 1 apart) gives an outcome and a sum that an ability fires on."""
    if ability.outcomes == CRITICAL_FAILURE:
        return True
    if ability.outcomes == FAILURE:
        highest = min(highest - 1, saves_from - 1)
    most = highest if ability.most is None else min(highest, ability.most)
    least = lowest + 1 if ability.least is None else max(lowest + 1, ability.least)
    return least <= most


def _needs(ability: Effect) -> str:
    parts = ["a failed save"] if ability.outcomes == FAILURE else []
    parts += [f"at least {ability.least}"] if ability.least is not None else []
    parts += [f"at most {ability.most}"] if ability.most is not None else []
    return " of ".join(parts)
