"""Classes and monsters of the dice: one table of what changes the scale that a saving throw gives.

Names, thresholds, factors, charges and chances are those of Roll-to-Train (github.com/sbartlett97/roll-to-train,
2025). There an ability multiplied a loss that was already scaled, in one of its two modes; here it multiplies the
scale, so that it works wherever the scale goes, per mini-batch and per step. What the original leaves open is ours:
a boost needs a successful save, a comfort a failed one; an intervention rescues half of an update that a natural 1
throws away; the aura halves a failure; of several abilities that fire, the last in the table counts; a new level
brings all charges back; monsters have points that a roll at or above their difficulty takes away.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from maze_rl.displays.short_repr import Shown

SUCCESSES = ("success", "critical success")
FAILURE = ("failure",)
CRITICAL_FAILURE = ("critical failure",)
ANY = ("critical failure", "failure", "success", "critical success")


@dataclass(frozen=True)
class Effect(Shown):
    """One row: when it fires, and what it makes of the scale."""

    name: str
    factor: float
    """Multiplies the scale; what is kept of an update that was to be thrown away (outcome `critical failure`)."""
    outcomes: tuple[str, ...] = ANY
    """Saves it fires on."""
    least: int | None = None
    """Smallest face + modifier it fires on."""
    most: int | None = None
    """Largest face + modifier it fires on."""
    per_point: float = 0.0
    """Added to the factor for every point above `least`."""
    charges: int | None = None
    """How often it can fire until the next level; None is always."""
    rounds: int = 1
    """Rolls it lasts, the one it fires on among them."""
    spike: float | None = None
    """Fires where the loss is more than this many times the last one; the factor is then of that last loss."""
    chance: float = 1.0
    """Share of the times it could fire that it does."""


@dataclass(frozen=True)
class Monster(Shown):
    """What an encounter brings: an effect on every roll below its difficulty, until it is beaten or leaves."""

    effect: Effect
    hp: int
    """Points; a roll that reaches the difficulty takes face + modifier of them away."""
    rounds: int = 3
    """Rolls after which it leaves."""

    @property
    def dc(self) -> int:
        """Face + modifier that hits it."""
        assert self.effect.most is not None
        return self.effect.most + 1


CHARACTERS: Mapping[str, tuple[Effect, ...]] = {
    "wizard": (Effect("arcane_surge", 1.5, SUCCESSES, least=15, charges=3),),
    "rogue": (Effect("sneak_attack", 1.2, SUCCESSES, least=12),),
    "fighter": (
        Effect("second_wind", 0.5, FAILURE, most=9, charges=2),
        Effect("action_surge", 2.0, SUCCESSES, least=18, charges=1),
    ),
    "cleric": (
        Effect("healing_word", 1.1, (*FAILURE, *SUCCESSES), spike=1.5, charges=3),
        Effect("divine_intervention", 0.5, CRITICAL_FAILURE, chance=0.1),
    ),
    "barbarian": (
        Effect("rage", 1.5, SUCCESSES, least=16, rounds=3),
        Effect("frenzy", 2.0, SUCCESSES, least=18),
    ),
    "paladin": (
        Effect("smite", 1.5, SUCCESSES, least=15, per_point=0.1, charges=3),
        Effect("aura", 0.5, FAILURE),
    ),
}
"""Class -> its abilities."""

MONSTERS: Mapping[str, Monster] = {
    "ooze": Monster(Effect("ooze", 0.5, most=11), hp=15),
    "wraith": Monster(Effect("wraith", 1.5, most=13), hp=25),
    "dragon": Monster(Effect("dragon", 2.0, most=14), hp=30),
}
"""Who may be met, each as likely; below their difficulty (12, 14, 15) the scale is multiplied."""
