"""The scorecard as a figure: each score with its interval and threshold, between the models that must pass and fail."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from maze_rl.interp.finding import Finding
from maze_rl.interp.scorecard import SCORES
from maze_rl.reports.palette import light
from maze_rl.reports.search.stated import is_known, stated_interval
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEANINGS = {
    "S1": "follows far changes",
    "S2": "holds a search's variable",
    "S3": "chooses by that variable",
    "S4": "sees further layer by layer",
    "S5": "right where simple rules fail",
}
"""What each score says, in a few words."""
UNITS = {
    "S1": "rate, false flips subtracted",
    "S2": "share explained beyond controls",
    "S3": "interchange accuracy beyond control",
    "S4": "steps gained, the largest rise left out",
    "S5": "skill: 0 draws, 1 is always right",
}
_ROW = 0.98
_TOGETHER = 0.035
"""Marks nearer than this share of the axis have one label..."""
_PER_NAME = 0.05
"""...and so much further for every name in it."""


def scorecard_figure(
    scores: Mapping[str, Finding],
    untrained: Mapping[str, Finding],
    calibration: Mapping[str, Mapping[str, Finding]],
) -> "Figure":
    """Draw one row for each score: searchers above the line, those that do not search below it.

    Args:
        scores: The model's.
        untrained: Those of its untrained control.
        calibration: Those of the calibration models by name; names that begin with H are of searchers.
    """
    from matplotlib.figure import Figure

    height = _ROW * len(SCORES) + 0.1
    figure = Figure(figsize=(WIDTH, height))
    for row, score in enumerate(SCORES):
        bottom = 1 - ((row + 1) * _ROW - 0.3) / height
        axes = figure.add_axes((0.255, bottom, 0.585, (_ROW - 0.46) / height))
        others = {_short(name): (each[score], name.startswith("H")) for name, each in calibration.items()}
        others["untrained"] = (untrained[score], False)
        known = {name: (each.effect.value, up) for name, (each, up) in others.items() if is_known(each.effect)}
        _draw_axis(axes, scores[score], [value for value, _ in known.values()])
        _draw_marks(axes, known)
        _draw_model(axes, scores[score])
        _describe(axes, score, scores[score])
    return figure


def _short(name: str) -> str:
    return name.split()[0]


def _draw_axis(axes: "Axes", finding: Finding, others: Sequence[float]) -> None:
    values = [*finding.effect, *others, finding.threshold, 0.0, 1.0]
    known = [value for value in values if is_known(value)]
    low, high = min(known), max(known)
    room = 0.04 * (high - low)
    axes.set(xlim=(low - room, high + room), ylim=(-1, 1))
    axes.axhline(0, color=light("axis"), linewidth=0.9, zorder=1)
    axes.plot(
        [finding.threshold] * 2, [-0.75, 0.75], color=light("ink"), linewidth=1.3, linestyle=(0, (3, 1.5)), zorder=2
    )
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=7)
    axes.tick_params(axis="x", labelsize=7.5, pad=1)
    axes.grid(True, axis="x")
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _draw_marks(axes: "Axes", marks: Mapping[str, tuple[float, bool]]) -> None:
    """Draw the other models, triangles that point at the line; marks that touch share a label."""
    low, high = axes.get_xlim()
    for up in (True, False):
        side = 1 if up else -1
        colour = light("green" if up else "brown")
        ordered = sorted((value, name) for name, (value, is_up) in marks.items() if is_up == up)
        groups: list[list[tuple[float | int, str]]] = []
        for value, name in ordered:
            # a label that begins at its first mark must end before the next one's
            if groups and value - groups[-1][0][0] < (_TOGETHER + _PER_NAME * len(groups[-1])) * (high - low):
                groups[-1].append((value, name))
            else:
                groups.append([(value, name)])
            axes.plot(
                [value], [0.27 * side], marker="v" if up else "^", markersize=5, color=colour, zorder=3, clip_on=False
            )
        for group in groups:
            middle = sum(value for value, _ in group) / len(group)
            near_left, near_right = middle - low < 0.12 * (high - low), high - middle < 0.12 * (high - low)
            axes.text(
                group[0][0] if near_left else group[-1][0] if near_right else middle,
                0.5 * side,
                " ".join(sorted(name for _, name in group)),
                color=colour,
                fontsize=7.5,
                ha="left" if near_left else "right" if near_right else "center",
                va="bottom" if up else "top",
            )


def _draw_model(axes: "Axes", finding: Finding) -> None:
    effect, colour = finding.effect, light("blue")
    if not is_known(effect):
        axes.text(0.02, 0.56, "not measured", transform=axes.transAxes, fontsize=9, color=light("blue"), va="bottom")
        return
    axes.plot([effect.low, effect.high], [0, 0], color=colour, linewidth=4, solid_capstyle="round", zorder=5)
    axes.plot(
        [effect.value],
        [0],
        marker="o",
        markersize=10,
        color=colour,
        zorder=6,
        markeredgewidth=1.5,
        markeredgecolor=light("paper"),
    )


def _describe(axes: "Axes", score: str, finding: Finding) -> None:
    """Write what the row is on its left, and what came out on its right."""

    def write(x: float | int, y: float | int, text: str, colour: str, size: float | int, *, bold: bool = False) -> None:
        axes.annotate(
            text,
            (x, 0.5),
            xycoords="axes fraction",
            xytext=(0, y),
            textcoords="offset points",
            va="center",
            color=light(colour),
            fontsize=size,
            fontweight="bold" if bold else "normal",
            annotation_clip=False,
        )

    write(-0.43, 6, f"{score} {MEANINGS[score]}", "ink", 9, bold=True)
    write(-0.43, -7, UNITS[score], "muted", 7.5)
    verdict = finding.verdict
    write(1.03, 6, verdict, {"yes": "green", "no": "vermillion", "unclear": "muted"}[verdict], 11, bold=True)
    if is_known(finding.effect):
        write(1.03, -7, stated_interval(finding.effect), "muted", 7.5)
