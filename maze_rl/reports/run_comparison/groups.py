"""Runs that differ in nothing but the seed, as one group: what is compared with other groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from maze_rl.configs.experiment import compared_pairs
from maze_rl.displays.short_repr import Shown
from maze_rl.reports.loss_kinds import JsonDict, LossKind, kinds_of_rows, validation_kind

END_SHARE = 0.05
"""Share of the steps whose mean is the final training loss."""


@dataclass(frozen=True, kw_only=True)
class SeedRun(Shown):
    """One run: its log, and what was measured of it when it was finished."""

    seed: int
    metrics: Sequence[JsonDict]
    """Rows of ``metrics.jsonl``."""
    config: JsonDict = field(default_factory=dict)
    """The run's ``config.json``, which tells what its losses are."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """Such as ``shortest@4``; empty for a run that is not measured."""
    trained_parameters: int | None = None
    folded_parameters: int | None = None
    """Of the model that training ends with, parametrizations folded."""

    @property
    def tokens(self) -> int:
        """Tokens trained on."""
        return int(self.metrics[-1]["tokens"])

    def best(self, key: str) -> float | None:
        """Return the least value recorded under `key`."""
        return min((row[key] for row in self.metrics if row.get(key) is not None), default=None)

    @cached_property
    def rows_by_kind(self) -> dict[LossKind, list[JsonDict]]:
        """The rows of the log by the kind of their training loss."""
        return kinds_of_rows(self.config, self.metrics)

    def final_loss(self, kind: LossKind) -> float | None:
        """Mean training loss of the last `END_SHARE` of the steps of a kind that had one; None where none has."""
        losses = [row["loss"] for row in self.rows_by_kind.get(kind, ()) if row["loss"] is not None]
        return float(np.mean(losses[-max(1, round(END_SHARE * len(losses))) :])) if losses else None

    @property
    def generated_tokens(self) -> int:
        """Tokens the model wrote to train on, in rounds of self-play; they are not among `tokens`."""
        rounds = (row["spin"]["pairs"] for row in self.metrics if "spin" in row)
        return sum(pairs["tokens"] for pairs in rounds)


@dataclass(frozen=True, kw_only=True)
class Group(Shown):
    """The runs of one arm, or a single run."""

    name: str
    runs: Sequence[SeedRun]
    failed: int = 0
    """Runs that diverged and are not among `runs`."""

    @property
    def training_kinds(self) -> list[LossKind]:
        """The kinds of its training losses, in the order they occur."""
        return list(self.runs[0].rows_by_kind)

    @property
    def validation_kind(self) -> LossKind:
        """The kind of its validation loss."""
        return validation_kind(self.runs[0].config)

    @property
    def seeds(self) -> list[int]:
        """The seeds, in order."""
        return [run.seed for run in self.runs]

    @property
    def tokens(self) -> float:
        """Mean of the tokens trained on."""
        return float(np.mean([run.tokens for run in self.runs]))

    def of_seed(self, seed: int) -> SeedRun:
        """Return the run with a seed."""
        return next(run for run in self.runs if run.seed == seed)

    def mean(self, measure: str) -> float | None:
        """Return the mean of a measure over the runs; None where one lacks it."""
        values = [run.measures.get(measure) for run in self.runs]
        return None if None in values else float(np.mean(values))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Comparison(Shown):
    """All that is compared."""

    title: str
    groups: Sequence[Group]
    target: Group
    """What differences are taken from in the curves."""
    control: str | None = None
    """Group the verdicts compare with; None where there are none to give."""
    shams: Mapping[str, str] = field(default_factory=dict)
    judged: Sequence[str] = ()
    text: str = ""
    """What the experiment says of itself."""

    def named(self, name: str) -> Group:
        """Return the group called `name`."""
        return next(group for group in self.groups if group.name == name)

    @property
    def pairs(self) -> list[tuple[Group, Group]]:
        """The pairs of groups that get verdicts."""
        names = [group.name for group in self.groups]
        if self.control not in names:
            return []
        shams = {arm: sham for arm, sham in self.shams.items() if arm in names and sham in names}
        return [(self.named(arm), self.named(other)) for arm, other in compared_pairs(names, self.control, shams)]


def longest(groups: Sequence[Group], prefer: str | None = None) -> Group:
    """Return the group that trained on the most tokens; among those within 2 % of it `prefer`, or else the first."""
    most = max(group.tokens for group in groups)
    near = [group for group in groups if group.tokens >= 0.98 * most]
    return next((group for group in near if group.name == prefer), near[0])
