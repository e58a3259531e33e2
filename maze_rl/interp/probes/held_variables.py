"""Which search's variable a model holds: the scores of probes beside their controls, and what they come to (S2).

However the streams are probed, a variable's score is judged on held-out mazes at the place (layer or loop) that is best
on the fitted half, and the variable that counts is the one furthest beyond its controls there: the mazes that a verdict
is taken on have no part in any choice.
"""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float64, Int64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.finding import Finding
from maze_rl.intervals import Interval, bootstrap_ratio, num_clusters

THRESHOLD = 0.2
"""Score beyond the controls that counts as a variable being there."""
Held = Literal[
    "distances to the target", "the cells that lead on", "depths of dead ends", "steps to look ahead", "nothing"
]
"""Distances fit a wave; the cells that lead on, which in a tree are the path, dead-end filling or any other search that
marks the path; depths of dead ends filling; the smaller of distance and depth both at once."""
_HELD: dict[str, Held] = {
    "distance": "distances to the target",
    "alive": "the cells that lead on",
    "dead-end depth": "depths of dead ends",
    "look-ahead": "steps to look ahead",
}


@dataclass(frozen=True, eq=False)
class ProbeScore(Shown):
    """How well one set of labels is read, at the place chosen on the fitted half."""

    explained: Float64[ndarray, " maze"]
    """Of each held-out maze: squared errors of the base less those of the probe."""
    total: Float64[ndarray, " maze"]
    """Squared errors of the base."""
    layer: int
    """Place among the streams that were probed: of `ProbeSites`, 0 is the embedding, l + 1 what leaves block l."""
    by_layer: Float64[ndarray, " layer"]
    """Left-out score of each place on the fitted half."""
    layouts: Int64[ndarray, " maze"] | None = None
    """Layout of each held-out maze; None where each is taken to have its own."""

    @property
    def value(self) -> float:
        """The score on the held-out mazes."""
        return float(self.explained.sum() / self.total.sum())

    @property
    def interval(self) -> Interval:
        """The score with its interval over layouts."""
        return bootstrap_ratio(self.explained, self.total, self.layouts)


@dataclass(frozen=True, kw_only=True, eq=False)
class VariableProbe(Shown):
    """One variable: its score, its controls, and what is left."""

    variable: str
    finding: Finding
    score: ProbeScore
    controls: dict[str, ProbeScore]

    @property
    def ahead_on_fitted(self) -> float:
        """How far the score is beyond the largest control, and 0, by what is left out on the fitted half."""
        largest = max((float(each.by_layer.max()) for each in self.controls.values()), default=0.0)
        return float(self.score.by_layer.max()) - max(0.0, largest)


@dataclass(frozen=True, kw_only=True, eq=False)
class LatentState(Shown):
    """Which search's variable the stream holds before the path starts."""

    probes: dict[str, VariableProbe]
    """By variable."""

    def _headline(self) -> str:
        best = self.best
        return f"best of {len(self.probes)} variables: {best.variable}, {best.finding._brief()}"

    @property
    def best(self) -> VariableProbe:
        """The variable that is furthest beyond its controls on the fitted half."""
        return max(self.probes.values(), key=lambda probe: probe.ahead_on_fitted)

    @property
    def finding(self) -> Finding:
        """S2."""
        return self.best.finding

    @property
    def holds(self) -> Held:
        """What the best variable says; nothing where no effect is beyond the threshold."""
        return _HELD[self.best.variable] if self.best.finding.verdict == "yes" else "nothing"


def beyond_controls(
    variable: str, score: ProbeScore, controls: dict[str, ProbeScore], *, threshold: float = THRESHOLD
) -> VariableProbe:
    """Judge a score less its largest control, where that is above 0."""
    largest = max(controls, key=lambda each: controls[each].value)
    control, explained = controls[largest], score.explained
    if control.value > 0:
        explained = explained - control.explained * (score.total.sum() / control.total.sum())
    finding = Finding(
        name=f"{variable}: share explained beyond base features, less the largest control",
        effect=bootstrap_ratio(explained, score.total, score.layouts),
        threshold=threshold,
        num_mazes=len(score.total),
        num_layouts=None if score.layouts is None else num_clusters(score.layouts),
        control=control.interval,
        control_name=largest,
    )
    return VariableProbe(variable=variable, finding=finding, score=score, controls=controls)
