"""Roll-to-Train: a die decides how much of an update is taken (github.com/sbartlett97/roll-to-train, 2024).

Before every mini-batch (``per="mini_batch"``, there ``per_mini_batch``) or once a step (``per="step"``, there
``per_accumulation_step``) a die is thrown; intelligence adds a modifier, and a rule set turns face and modifier into
a scale or into no update at all (`maze_rl.training.update_rules.rule_sets`). A class, encounters and experience may
change that scale (`maze_rl.training.update_rules.adventure`).
"""

from typing import Any, Literal

from maze_rl.configs.choices import Choice
from maze_rl.configs.options import complete
from maze_rl.configs.update_rules import FAILURE_SCALE, UPDATE_RULES, check_update_rule, modifier_of
from maze_rl.displays.short_repr import Shown
from maze_rl.seeding import numpy_generator
from maze_rl.training.random_state import random_state, set_random_state
from maze_rl.training.slots import Apply, Moment, Skip
from maze_rl.training.update_rules.adventure import Adventure
from maze_rl.training.update_rules.rule_sets import Advantage, saving_throw


class DiceRoll(Shown):
    """An update rule that rolls a die; `UpdateRule` and `Stateful` of `maze_rl.training.slots`.

    Args:
        seed: Seed of the run; faces come from its stream ``dice``.
        rules: Rule set: ``classic``, ``v0`` or ``head``.
        intelligence: 1 to 20; the modifier is (intelligence - 10) / 2, rounded down.
        dc: Difficulty class, 1 to 30, that face + modifier has to reach.
        sides: 4, 6, 8, 10, 12, 20 or 100.
        advantage: Keep the higher of two dice (``advantage``) or the lower (``disadvantage``).
        per: Roll before every mini-batch, or once a step.
        apply_to: What the scale goes on; None is the update per step, and the loss per mini-batch. The loss and the
            gradient are one choice: clipping goes by the norm without the scale.
        failure: Share of the update that a failed save takes back (``classic``).
        character: Class, or None.
        experience: Whether successful saves are gathered into levels.
        encounters: Chance of meeting a monster before a roll, 0 to 1.

    Raises:
        ConfigurationError: A setting is out of range, contradicts another or can never do anything.
    """

    def __init__(
        self,
        seed: int,
        *,
        rules: str = "classic",
        intelligence: int = 10,
        dc: int = 12,
        sides: int = 20,
        advantage: Advantage = "normal",
        per: Literal["mini_batch", "step"] = "step",
        apply_to: Literal["loss", "grad", "update"] | None = None,
        failure: int | float = FAILURE_SCALE,
        character: str | None = None,
        experience: bool = False,
        encounters: int | float = 0.0,
    ) -> None:
        options = {
            "rules": rules,
            "intelligence": intelligence,
            "dc": dc,
            "sides": sides,
            "advantage": advantage,
            "per": per,
            "apply_to": apply_to,
            "failure": failure,
            "character": character,
            "experience": experience,
            "encounters": encounters,
        }
        check_update_rule(Choice("dice", complete("dice", UPDATE_RULES["dice"], options)))
        self.per: Literal["mini_batch", "step"] = per
        self.apply_to: Literal["loss", "grad", "update"] = apply_to or ("update" if per == "step" else "loss")
        self.sides, self.advantage, self.modifier = sides, advantage, modifier_of(intelligence)
        self.save = saving_throw(rules, intelligence, dc, sides, failure)
        self.adventure = Adventure(seed, character, experience, encounters)
        self._random = numpy_generator(seed, "dice")

    def throw(self) -> list[int]:
        """Return the faces thrown, the one that counts first."""
        faces = self._random.integers(1, self.sides + 1, size=1 if self.advantage == "normal" else 2)
        return sorted(faces.tolist(), reverse=self.advantage == "advantage")

    def decide(self, moment: Moment) -> Apply | Skip:
        """Roll; a class that compares losses measures the loss first (per mini-batch that costs a forward pass)."""
        face, *other = self.throw()
        save, total = self.save(face), face + self.modifier
        loss = moment.loss() if self.adventure.reads_loss else None
        scale, events = self.adventure.turn(save, total, loss)
        record: dict[str, Any] = {"face": face, "modifier": self.modifier, "outcome": save.outcome, **events}
        record |= {"scale": scale or 0.0, "skipped": scale is None}
        record |= {"other_face": other[0]} if other else {}
        return Skip(record) if scale is None else Apply(scale, record)

    def state_dict(self) -> dict[str, Any]:
        """Return where the die and the character stand, as JSON values."""
        return {"dice": random_state(self._random), "adventure": self.adventure.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        set_random_state(self._random, state["dice"])
        self.adventure.load_state_dict(state["adventure"])
