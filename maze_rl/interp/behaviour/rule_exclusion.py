"""Heuristic exclusion (S5): is the model right where a simple rule is wrong?

For each rule of `simple_rules` take the forks with k* >= far at which none of its picks is right. One
who draws among the options is right there in a share c of cases (the mean of the decisions' own), and the skill is

    (rate of right choices - c) / (1 - c):   1 for a searcher, 0 for a draw, below 0 for one who follows the rule.

S5 is the least skill over the rules: no single rule may explain the choices. The minimum of noisy numbers lies low, and
its percentile interval over layouts drawn again lower still, so that S5 errs towards `no`. A rule that is wrong in too
few layouts is not judged and does not count; but Manhattan greedy, which mazes reward most, must be judged, or S5 is
nan.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy import ndarray
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.behaviour.flip_rate import FAR
from maze_rl.interp.behaviour.simple_rules import RULES, Rule
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.decisions import Decisions, right_choices
from maze_rl.interp.maze_draws import percentile_interval, redrawn_sums, sums_by_layout
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.intervals import Interval, num_clusters

THRESHOLD = 0.5
_INDISPENSABLE = "manhattan"


@dataclass(frozen=True, kw_only=True)
class RuleComparison(Shown):
    """One rule beside the model."""

    name: str
    agreement: Interval
    """How often the model's choice is a pick of the rule, over all forks where it has one."""
    rule_right: Interval
    """How often a draw among the rule's picks is right, over the same forks."""
    skill: Interval
    """Chance-normalised rate of right choices at far forks where the rule is wrong; nan where it is not judged."""
    num_mazes: int
    """Mazes with such a fork."""
    num_layouts: int
    """Layouts among them."""

    @property
    def is_judged(self) -> bool:
        """Whether the rule is wrong in enough mazes of different layouts."""
        return self.num_layouts >= FEWEST_MAZES


@dataclass(frozen=True, kw_only=True)
class RuleExclusion(Shown):
    """S5, and what each rule contributes."""

    rules: tuple[RuleComparison, ...]
    finding: Finding

    @property
    def hardest(self) -> RuleComparison | None:
        """The rule where the model's skill is least; None if no rule is judged."""
        judged = [rule for rule in self.rules if rule.is_judged]
        return min(judged, key=lambda rule: rule.skill.value, default=None)

    @property
    def most_alike(self) -> RuleComparison:
        """The rule the model's choices agree with most often."""
        return max(self.rules, key=lambda rule: np.nan_to_num(rule.agreement.value))


def exclude_rules(
    decisions: Decisions,
    logits: Float[Tensor, "decision d_vocab"],
    *,
    far: int = FAR,
    rules: Mapping[str, Rule] = RULES,
    seed: int = 0,
) -> RuleExclusion:
    """Judge the model's choices where the rules fail.

    Args:
        decisions: Decisions along shortest paths; only forks count.
        logits: The model's logits at each of them.
        far: Smallest k* of the forks for S5; agreement is over all forks.
        rules: Rules by name.
        seed: Seed of the draws of layouts.

    Returns:
        The comparison; nan throughout where there is no fork.
    """
    forks = np.flatnonzero(decisions.is_fork)
    chosen_ids = logits.argmax(dim=-1).numpy()[forks, None]
    right = right_choices(decisions, logits)[forks]
    decisions = decisions.take(forks)
    picks = {name: rule(decisions) for name, rule in rules.items()}
    columns = [_columns(decisions, right, decisions.next_ids == chosen_ids, picks[name], far) for name in rules]
    units = decisions.maze, decisions.layouts
    sums = sums_by_layout(units[1], np.concatenate(columns, axis=1))
    shape = (len(rules), _NUM_COLUMNS)
    drawn = redrawn_sums(sums, seed=seed).reshape(-1, *shape)
    totals = sums.sum(axis=0).reshape(shape)
    wrong_in = np.stack([[num_clusters(of[each[:, _WRONG] > 0]) for each in columns] for of in units], axis=1)
    compared = tuple(
        _comparison(name, totals[row], drawn[:, row], len(sums), *map(int, wrong_in[row]))
        for row, name in enumerate(rules)
    )
    return RuleExclusion(rules=compared, finding=_finding(tuple(rules), totals, drawn, wrong_in))


_AGREES, _RULE_RIGHT, _HAS_PICK, _GAIN, _ROOM, _WRONG = range(6)
_NUM_COLUMNS = 6


def _columns(
    decisions: Decisions, right: ndarray, choice: ndarray, picks: Bool[ndarray, "decision 4"], far: int
) -> Float64[ndarray, "decision 6"]:
    """Return what is added up for one rule; the skill is gain / room."""
    has_pick = picks.any(axis=1)
    wrong = has_pick & ~(picks & decisions.optimal).any(axis=1) & (decisions.look_ahead >= far)
    rule_right = (picks & decisions.optimal).sum(axis=1) / np.maximum(picks.sum(axis=1), 1)
    chance = decisions.chance
    gain, room = wrong * (right - chance), wrong * (1 - chance)
    return np.stack([(picks & choice).any(axis=1), rule_right, has_pick, gain, room, wrong], axis=1).astype(np.float64)


def _comparison(
    name: str, totals: ndarray, drawn: ndarray, num_drawn: int, num_mazes: int, num_layouts: int
) -> RuleComparison:
    def ratio(top: int, bottom: int) -> Interval:
        with np.errstate(divide="ignore", invalid="ignore"):
            replicates = drawn[:, top] / drawn[:, bottom]
            return percentile_interval(totals[top] / totals[bottom], replicates, layouts=num_drawn)

    nothing = Interval(float("nan"), float("nan"), float("nan"))
    return RuleComparison(
        name=name,
        agreement=ratio(_AGREES, _HAS_PICK),
        rule_right=ratio(_RULE_RIGHT, _HAS_PICK),
        skill=ratio(_GAIN, _ROOM) if num_layouts >= FEWEST_MAZES else nothing,
        num_mazes=num_mazes,
        num_layouts=num_layouts,
    )


def _finding(names: tuple[str, ...], totals: ndarray, drawn: ndarray, wrong_in: ndarray) -> Finding:
    """Judge the least skill; `wrong_in` counts, for each rule, the mazes and the layouts where it is wrong."""
    judged = wrong_in[:, 1] >= FEWEST_MAZES
    fewest = wrong_in[judged].min(axis=0) if judged.any() else np.zeros(2)
    missing = [name for name, is_judged in zip(names, judged, strict=True) if name == _INDISPENSABLE and not is_judged]
    effect = Interval(float("nan"), float("nan"), float("nan"))
    if judged.any() and not missing:
        with np.errstate(divide="ignore", invalid="ignore"):
            least = (totals[judged, _GAIN] / totals[judged, _ROOM]).min()
            effect = percentile_interval(least, np.min(drawn[:, judged, _GAIN] / drawn[:, judged, _ROOM], axis=1))
    return Finding(
        name="least skill over the simple rules, at far forks where the rule is wrong",
        effect=effect,
        threshold=THRESHOLD,
        num_mazes=int(fewest[0]),
        num_layouts=int(fewest[1]),
        control=Interval(0.0, 0.0, 0.0),
        control_name="one who draws among the options; subtracted",
    )
