"""What a class, encounters and experience make of a saving throw: one table, see `maze_rl.configs.characters`.

They multiply the scale of the throw: ability, then monster, then level. A level adds a tenth; level n + 1 begins at
1000 * 1.5^(n - 1) points of experience, a save gives 10 (face + modifier) of them, twice that in an encounter, and a
new level brings the charges back. An update that is thrown away stays so, unless an intervention rescues part of it.
"""

import math
from typing import Any

from maze_rl.configs.characters import ANY, CHARACTERS, CRITICAL_FAILURE, MONSTERS, SUCCESSES, Effect, Monster
from maze_rl.displays.short_repr import Shown
from maze_rl.seeding import numpy_generator
from maze_rl.training.random_state import random_state, set_random_state
from maze_rl.training.update_rules.rule_sets import Save


def level_of(experience: int) -> int:
    """Return the level, from 1 on, that so many points of experience give."""
    level = 1
    while experience >= 1000 * 1.5 ** (level - 1):
        level += 1
    return level


class Adventure(Shown):
    """One character on its way through training.

    Args:
        seed: Seed of the run; chances come from its stream ``adventure``, so that the faces thrown stay the same.
        character: Class, or None.
        experience: Whether levels count.
        encounters: Chance of meeting a monster before a roll, 0 to 1.
    """

    def __init__(self, seed: int, character: str | None, experience: bool, encounters: int | float) -> None:
        self.abilities = CHARACTERS[character] if character else ()
        self.levels, self.encounters = experience, encounters
        self.reads_loss = any(ability.spike for ability in self.abilities)
        self.charges, self.rounds = _full_charges(self.abilities), dict.fromkeys(_names(self.abilities), 0)
        self.experience, self.last_loss = 0, math.inf
        self.monster: Monster | None = None
        self.hp, self.monster_rounds = 0, 0
        self._random = numpy_generator(seed, "adventure")

    def turn(self, save: Save, total: int, loss: float | None) -> tuple[float | None, dict[str, Any]]:
        """Return the scale after everything that changes it, None for no update, and what happened.

        Args:
            save: The saving throw.
            total: Face + modifier.
            loss: Pre-roll loss, where `reads_loss`.
        """
        scale, record = save.scale, {}
        for ability, factor in self._firing(save, total, loss):
            if save.scale is not None:
                scale = save.scale * factor
            elif ability.outcomes == CRITICAL_FAILURE:
                scale = factor
            record["ability"] = ability.name
        self._meet()
        in_encounter = self.monster is not None
        if self.monster:
            if scale is not None and _fits(self.monster.effect, save.outcome, total):
                scale *= self.monster.effect.factor
            record |= {"monster": self.monster.effect.name, "hp": self._fight(self.monster, total)}
        if self.levels:
            level = level_of(self.experience)
            scale = scale if scale is None else scale * (1 + 0.1 * (level - 1))
            self._learn(save, total, in_encounter)
            record |= {"level": level, "experience": self.experience}
        return scale, record

    def _firing(self, save: Save, total: int, loss: float | None) -> list[tuple[Effect, float]]:
        """Return the abilities at work with their factors; uses up charges and rounds."""
        firing = []
        for ability in self.abilities:
            name = ability.name
            if self._fires(ability, save.outcome, total, loss):
                self.rounds[name] = ability.rounds
                if name in self.charges:
                    self.charges[name] -= 1
            if self.rounds[name] > 0:
                self.rounds[name] -= 1
                firing.append((ability, self._factor(ability, total, loss)))
        if loss is not None and math.isfinite(loss):
            self.last_loss = loss
        return firing

    def _fires(self, ability: Effect, outcome: str, total: int, loss: float | None) -> bool:
        if not _fits(ability, outcome, total) or self.charges.get(ability.name, 1) == 0:
            return False
        if ability.spike is not None and not (loss is not None and loss > ability.spike * self.last_loss):
            return False
        return ability.chance == 1 or self._random.random() < ability.chance

    def _factor(self, ability: Effect, total: int, loss: float | None) -> float:
        if ability.spike is not None and loss is not None:
            return ability.factor * self.last_loss / loss
        above = max(0, total - ability.least) if ability.per_point and ability.least else 0
        return ability.factor + ability.per_point * above

    def _meet(self) -> None:
        if self.monster is None and self.encounters and self._random.random() < self.encounters:
            self.monster = list(MONSTERS.values())[int(self._random.integers(len(MONSTERS)))]
            self.hp, self.monster_rounds = self.monster.hp, self.monster.rounds

    def _fight(self, monster: Monster, total: int) -> int:
        """Return the points the monster has left; beaten or tired of it, it goes."""
        if total >= monster.dc:
            self.hp = max(0, self.hp - total)
        self.monster_rounds -= 1
        if self.hp == 0 or self.monster_rounds == 0:
            self.monster = None
        return self.hp

    def _learn(self, save: Save, total: int, in_encounter: bool) -> None:
        before = level_of(self.experience)
        if save.outcome in SUCCESSES:
            self.experience += max(0, 10 * total) * (2 if in_encounter else 1)
        if level_of(self.experience) > before:
            self.charges = _full_charges(self.abilities)

    def state_dict(self) -> dict[str, Any]:
        """Return charges, rounds, monster, experience and the random state."""
        return {
            "charges": dict(self.charges),
            "rounds": dict(self.rounds),
            "experience": self.experience,
            "last_loss": self.last_loss if math.isfinite(self.last_loss) else None,
            "hp": self.hp,
            "monster": self.monster.effect.name if self.monster else None,
            "monster_rounds": self.monster_rounds,
            "random": random_state(self._random),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self.charges, self.rounds = dict(state["charges"]), dict(state["rounds"])
        self.experience, self.hp, self.monster_rounds = state["experience"], state["hp"], state["monster_rounds"]
        self.last_loss = math.inf if state["last_loss"] is None else state["last_loss"]
        self.monster = MONSTERS[state["monster"]] if state["monster"] else None
        set_random_state(self._random, state["random"])


def _fits(effect: Effect, outcome: str, total: int) -> bool:
    above = effect.least is None or total >= effect.least
    return outcome in effect.outcomes and above and (effect.most is None or total <= effect.most)


def _names(abilities: tuple[Effect, ...]) -> list[str]:
    return [ability.name for ability in abilities]


def _full_charges(abilities: tuple[Effect, ...]) -> dict[str, int]:
    return {ability.name: ability.charges for ability in abilities if ability.charges is not None}


assert all(set(effect.outcomes) <= set(ANY) for abilities in CHARACTERS.values() for effect in abilities)
