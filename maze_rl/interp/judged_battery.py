"""What the batteries of either kind of model share: the verdict beside the untrained twin, then a table of tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.materials import Materials
from maze_rl.interp.score_table import scores_html, scores_line
from maze_rl.interp.scorecard import Progress, Scorecard, control_probes, score
from maze_rl.interp.verdict import Judgement, judge

_JUDGED, _BESIDE = 0.4, 0.15
"""Shares of the time that the verdict and the untrained control take."""
_Subject = TypeVar("_Subject")


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedBattery(Shown):
    """The verdict on one model; what its battery finds stands beside it."""

    judgement: Judgement
    untrained: Scorecard
    """Of the untrained twin, on the same mazes."""

    @property
    def scorecard(self) -> Scorecard:
        """The scores on mazes as they come."""
        return self.judgement.card

    def _headline(self) -> str:
        return scores_line(self.judgement.text, self.judgement.judged.scores)

    def _repr_html_(self) -> str:
        return scores_html("search battery", self.judgement.text, self.judgement.judged.scores)


def judge_beside_twin(
    model: HookedTransformer, twin: HookedTransformer, materials: Materials, progress: Progress
) -> tuple[Judgement, Scorecard]:
    """Return the verdict on a model, and the scores of its untrained twin on the same mazes.

    Raises:
        ConfigurationError: The mazes do not fit the model or are too few for an interval, or it cannot be scored.
    """
    probes = control_probes(model, materials)
    judgement = judge(
        model,
        materials.setting,
        materials=materials,
        untrained=probes,
        progress=lambda doing, done: progress(doing, _JUDGED * done),
    )
    progress("the untrained control", _JUDGED)
    return judgement, score(twin, materials, untrained=probes)


def run_tests(tests: Mapping[str, Callable[[_Subject], Any]], subject: _Subject, progress: Progress) -> dict[str, Any]:
    """Return what every test finds on a subject, by its name."""
    found, begun = {}, _JUDGED + _BESIDE
    for place, (name, test) in enumerate(tests.items()):
        progress(name.replace("_", " "), begun + (1 - begun) * place / len(tests))
        found[name] = test(subject)
    return found
