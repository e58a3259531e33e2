"""The scores of a search battery as one line and, in notebooks, as a table with a bar for every interval."""

import math
from collections.abc import Mapping

from maze_rl.displays.notebook_html import BLUE, ORANGE, Drawn, block, headed, interval_bar, remark, table
from maze_rl.displays.short_repr import interval_text
from maze_rl.interp.finding import Finding
from maze_rl.intervals import Interval

_HEAD = ("score", "what was measured", "effect [95 %]", "", "threshold", "verdict", "mazes")


def scores_line(verdict: str, scores: Mapping[str, Finding]) -> str:
    """Return the verdict with that of every score behind it."""
    return f"{verdict} ({', '.join(f'{name} {finding.verdict}' for name, finding in scores.items())})"


def scores_html(title: str, verdict: str, scores: Mapping[str, Finding], note: str = "") -> str:
    """Return a table of scores below their verdict; `note` stands at the foot."""
    rows = [
        (
            name,
            finding.name,
            interval_text(finding.effect, 2),
            _bar(finding),
            f"{finding.threshold:g}",
            finding.verdict,
            f"{finding.num_mazes:,}",
        )
        for name, finding in scores.items()
    ]
    told = (
        "bar: the effect with its 95 % interval, 0 to 1 where that holds both it and the threshold, which is the tick."
    )
    feet = [remark(line) for line in (told, note) if line]
    return block(headed(title, verdict), table(_HEAD, rows, left=(0, 1, 5)), *feet)


def _bar(finding: Finding) -> Drawn:
    effect = finding.effect
    return interval_bar(
        *effect,
        limits=(min([0.0, *_ends(effect)]), max(1.0, *_ends(effect), finding.threshold)),
        mark=finding.threshold,
        colour=BLUE if finding.verdict == "yes" else ORANGE,
    )


def _ends(effect: Interval) -> tuple[float, ...]:
    """Return what a bar must hold of an effect: its value and the ends that it has."""
    return tuple(number for number in effect if math.isfinite(number))
