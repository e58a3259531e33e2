"""What the page of a search scorecard is made from: the results of one model, and what stands beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.battery import Battery
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.loop_battery import LoopBattery
from maze_rl.interp.materials import Materials, Setting
from maze_rl.interp.score_table import scores_html, scores_line
from maze_rl.interp.verdict import Judgement


@dataclass(frozen=True, kw_only=True, eq=False)
class DecisionAttention(Shown):
    """Where one head looks from one decision."""

    what: str
    """Why this head is shown, in a few words, e.g. `best adjacency head`."""
    layer: int
    head: int
    decision: int
    """Row of `Materials.decisions`."""
    pattern: Float[ndarray, " pos"]
    """Attention from the decision's position to every position of its sequence, 0 behind it; adds up to 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedResult(Shown):
    """One model's verdict, and what stands beside it on any page."""

    name: str
    """Of the model."""
    about: Mapping[str, Any]
    """What was recorded when it was trained; empty for hand-built models."""
    model_facts: Mapping[str, Any]
    """Facts shown in the set-up, by label: layers, d_model, heads, format, canvas, positions, parameters."""
    setting: Setting
    materials: Materials
    battery: Battery | LoopBattery
    calibration: Mapping[str, Mapping[str, Finding]]
    """Scores S1 to S5 of each calibration model, by its name (`H1 wave`, `N2 greedy`); H searches, N does not."""
    calibration_searches: Mapping[str, bool]
    """Their combined verdicts."""
    checkpoints: Sequence[tuple[int, Mapping[str, Finding]]] = ()
    """(step, scores S1 to S5) of checkpoints of the run, if there are any."""
    checkpoints_left_out: Sequence[int] = ()
    """Steps of checkpoints whose weights do not fit the model."""
    seconds: float | int
    """What the battery took."""
    command: str
    """What was typed."""

    @property
    def judgement(self) -> Judgement:
        """The verdict with its reach and scores."""
        return self.battery.judgement

    def _headline(self) -> str:
        return f"{self.name}: {scores_line(self.judgement.text, self.judgement.judged.scores)}"

    def _repr_html_(self) -> str:
        return scores_html(self.name, self.judgement.text, self.judgement.judged.scores)


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchResult(JudgedResult):
    """Results of a model with a causal prompt."""

    battery: Battery
    attention: Sequence[DecisionAttention] = ()
    """Attention to draw on a maze."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoopSearchResult(JudgedResult):
    """Results of a model with loops over the cells of its prompt."""

    battery: LoopBattery


def example_decision(decisions: Decisions) -> int:
    """Return the row of the decision whose attention is worth drawing: the fork that needs most look-ahead."""
    forks = np.flatnonzero(decisions.is_fork)
    if len(forks) == 0:
        return 0
    return int(forks[decisions.look_ahead[forks].argmax()])
