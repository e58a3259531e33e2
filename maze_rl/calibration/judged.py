"""One calibration model, judged as any model is: what each score and the verdict said of it, and whether that is so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from maze_rl.calibration.looped_zoo import LOOP_ROWS, LoopInstance
from maze_rl.calibration.zoo import ANY, ROWS, Instance, ZooRow
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.behaviour.reach import Reach
from maze_rl.interp.finding import Finding
from maze_rl.interp.probes.held_variables import Held

Outcome = Literal["right", "undecided", "wrong", "not asked"]
ALL_ROWS = {row.name: row for row in (*ROWS, *LOOP_ROWS)}
"""Every kind of calibration model by its name."""


@dataclass(frozen=True, kw_only=True)
class Judged(Shown):
    """All verdicts on one instance of one row."""

    row: str
    instance: Instance | LoopInstance
    findings: Mapping[str, Finding]
    """By score; the combined verdict has none."""
    verdicts: Mapping[str, str]
    """By score, and under `search` the combined one."""
    holds: Held
    """Which search's variable S2 found."""
    reach: Reach | None = None
    """How far it sees; None where that was not asked."""

    @property
    def kind(self) -> ZooRow:
        """What is known of it."""
        return ALL_ROWS[self.row]

    def outcome(self, score_name: str) -> Outcome:
        """Tell how a verdict stands to what is known.

        S2 must name what is held. A verdict that a model searches is wrong, too, where it gives it more steps than it
        has rounds.
        """
        expected = self.kind.expects(score_name, self.instance.rounds)
        if expected == ANY:
            return "not asked"
        said = self.verdicts[score_name]
        if said in ("unclear", "undecided"):
            return "undecided"
        if score_name == "S2" and said == "yes" and self.holds not in self.kind.holds:
            return "wrong"
        if said == "searches" and self.reach is not None and self.reach.steps > self.instance.rounds:
            return "wrong"
        return "right" if said == expected else "wrong"

    def is_false_yes(self, score_name: str) -> bool:
        """Tell whether a score finds what is not there, or the verdict a search, or more of one than there is."""
        return self.outcome(score_name) == "wrong" and self.verdicts[score_name] in ("yes", "searches")
