"""The three rule sets of Roll-to-Train: what a face of the die makes of an update.

With face k, modifier m = floor((intelligence - 10) / 2), difficulty class dc and a die of N sides:

===========  =============  ============  ============================  ==============
rule set     worst          best          save                          failed save
===========  =============  ============  ============================  ==============
``classic``  k = 1: skip    k = N: 1      k + m >= dc: k / N            -c
``v0``       k = 1: skip    k = N: 1      k + m > dc: (k + m - dc) / 5  -0.01
``head``     k + m = 1: -1  k + m = N: 1  k + m >= dc: (k+m-dc) / 100   0
===========  =============  ============  ============================  ==============

``classic`` is ours, after the rules in words of December 2024; ``v0`` is the code of 30 November 2024 and ``head``
that of March 2025 (github.com/sbartlett97/roll-to-train), both reproduced with their faults: a modifier in ``head``
makes a natural 1 impossible or moves it to another face, and its update of scale 0 still steps the optimizer.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from maze_rl.configs.options import complete
from maze_rl.configs.update_rules import FAILURE_SCALE, UPDATE_RULES, modifier_of

Advantage = Literal["normal", "advantage", "disadvantage"]


class Save(NamedTuple):
    """What a saving throw comes to."""

    outcome: Literal["critical failure", "failure", "success", "critical success"]
    scale: float | None
    """Factor on the update; None throws it away."""


def classic(face: int, modifier: int, dc: int, sides: int, failure: int | float = FAILURE_SCALE) -> Save:
    """Return a save by raw face for criticals, by face + modifier against `dc`, scaled by face / `sides`."""
    if face == 1:
        return Save("critical failure", None)
    if face == sides:
        return Save("critical success", 1.0)
    return Save("success", face / sides) if face + modifier >= dc else Save("failure", 0.0 - failure)


def v0(face: int, modifier: int, dc: int, sides: int) -> Save:
    """Return a save by raw face for criticals, scaled by a fifth of what lies above `dc`; may exceed 1."""
    if face == 1:
        return Save("critical failure", None)
    if face == sides:
        return Save("critical success", 1.0)
    above = face + modifier - dc
    return Save("success", above / 5) if above > 0 else Save("failure", -0.01)


def head(face: int, modifier: int, dc: int, sides: int) -> Save:
    """Return a save by face + modifier alone, criticals too, scaled by a hundredth of what lies above `dc`."""
    total = face + modifier
    if total == 1:
        return Save("critical failure", -1.0)
    if total == sides:
        return Save("critical success", 1.0)
    return Save("success", (total - dc) / 100) if total >= dc else Save("failure", 0.0)


def saving_throw(
    rules: str, intelligence: int, dc: int, sides: int, failure: int | float = FAILURE_SCALE
) -> Callable[[int], Save]:
    """Return the function face -> save of a rule set with its settings."""
    modifier = modifier_of(intelligence)
    if rules == "classic":
        return lambda face: classic(face, modifier, dc, sides, failure)
    rule_set = {"v0": v0, "head": head}[rules]
    return lambda face: rule_set(face, modifier, dc, sides)


def face_chances(sides: int, advantage: Advantage = "normal") -> list[float]:
    """Return the chance of every face 1..`sides`; advantage keeps the higher of two dice, disadvantage the lower."""
    if advantage == "normal":
        return [1 / sides] * sides
    higher = [(2 * face - 1) / sides**2 for face in range(1, sides + 1)]
    return higher if advantage == "advantage" else higher[::-1]


def mean_scale(rules: str = "classic", **settings: Any) -> float:
    """Return the expected scale of a throw, a skipped update as 0: what ``scale:...`` needs as a matched control.

    Classes, encounters and experience depend on what was thrown before and are not in it.

    Args:
        rules: Rule set.
        **settings: `intelligence`, `dc`, `sides`, `advantage`, `failure`, where they are not the defaults.

    Raises:
        ConfigurationError: A setting is out of range.
    """
    return _moment(rules, settings, 1)


def scale_spread(rules: str = "classic", **settings: Any) -> float:
    """Return the standard deviation of the scale of a throw, as `mean_scale`: what ``noise:...`` needs."""
    return (_moment(rules, settings, 2) - _moment(rules, settings, 1) ** 2) ** 0.5


def _moment(rules: str, settings: Mapping[str, Any], power: int) -> float:
    """Return the expected power of the scale."""
    known = {name: UPDATE_RULES["dice"][name] for name in ("intelligence", "dc", "sides", "failure", "advantage")}
    options: dict[str, Any] = complete("dice", known, settings)
    chances = face_chances(options["sides"], options.pop("advantage"))
    save = saving_throw(rules, **options)
    return sum(chance * (save(face).scale or 0.0) ** power for face, chance in enumerate(chances, 1))
