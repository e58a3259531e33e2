"""Figures of where rollouts first go wrong: by kind and size, and the hazard along the path."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from maze_rl.evaluation.results import EvaluationResult
from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge
from maze_rl.reports.names import error_name
from maze_rl.reports.palette import ERROR_COLOURS, light
from maze_rl.reports.pooling import error_counts, first_errors_by_range, pooled_hazard
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _half_width_axes(right: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 2 - 0.1, 3.4))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.11, right=right, bottom=0.14, top=0.95)
    return figure, axes


def first_errors(evaluation: EvaluationResult, kinds: Sequence[str]) -> "Figure":
    """Draw the share of rollouts by type of first error, stacked by size, with a legend.

    Args:
        evaluation: What to draw.
        kinds: Types of errors that the legend names beside those that occur: those of the whole page.
    """
    from matplotlib.patches import Patch

    rows, present = evaluation.first_errors, error_counts([evaluation])
    known = {*kinds, *present}
    kinds = [kind for kind in ERROR_COLOURS if kind in known] + sorted(known - ERROR_COLOURS.keys())
    figure, axes = _half_width_axes(right_edge([error_name(kind) for kind in kinds] + ["  "], WIDTH / 2))
    floor = [0.0] * len(rows)
    for kind in kinds:
        shares = [100 * row.counts.get(kind, 0) / max(1, row.num) for row in rows]
        axes.bar(range(len(rows)), shares, 0.82, floor, color=error_colour(kind))
        floor = [below + share for below, share in zip(floor, shares, strict=True)]
    axes.set_xticks(range(len(rows)), [str(row.size) for row in rows])
    axes.set(xlim=(-0.6, max(1, len(rows)) - 0.4), ylim=(0, max([1.0, *floor]) * 1.06))
    axes.set(xlabel="maze size, cells per side", ylabel="rollouts with an error, %")
    if not present:
        say_nothing(axes, "No rollout went wrong.")
    if kinds:
        handles = [Patch(facecolor=error_colour(kind), label=error_name(kind)) for kind in reversed(kinds)]
        figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(axes.get_position().x1 + 0.01, 0.97),
            frameon=False,
            fontsize=8.5,
            labelcolor=light("ink"),
            handlelength=1.0,
            handleheight=1.0,
            handletextpad=0.5,
            borderpad=0,
            borderaxespad=0,
        )
    return figure


def error_colour(kind: str) -> str:
    """Return the light colour of a type of error, the same in every figure."""
    return light(ERROR_COLOURS.get(kind, "reference-mid"))


def say_nothing(axes: "Axes", words: str) -> None:
    """Write in the middle of a figure why there is nothing to see."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=light("muted"), fontsize=9)


def hazard(evaluation: EvaluationResult, colour: str = "blue") -> "Figure":
    """Draw the chance of a first error per step along the path, inside and outside the training sizes.

    Args:
        evaluation: What to draw.
        colour: Name in the palette, that of the run; filled points are of trained sizes, hollow ones of others.
    """
    names = {True: "trained sizes", False: "other sizes", None: "all sizes"}
    found = {inside: pooled_hazard(first_errors_by_range(evaluation, inside)) for inside in names}
    found = {inside: stretches for inside, stretches in found.items() if stretches}
    figure, axes = _half_width_axes(right_edge([names[inside] for inside in found] + ["  "], WIDTH / 2))
    ends: list[EndLabel] = []
    last, top, paint = 1.0, 0.1, light(colour)
    for inside, stretches in found.items():
        xs = [(stretch.first + stretch.last) / 2 for stretch in stretches]
        rates = [stretch.estimate for stretch in stretches]
        lows, highs = ([100 * getattr(rate, end) for rate in rates] for end in ("low", "high"))
        expected = [100 * stretch.expected / stretch.at_risk for stretch in stretches]
        axes.fill_between(xs, lows, highs, facecolor=paint, alpha=0.18, linewidth=0)
        axes.plot(
            xs,
            [100 * rate.value for rate in rates],
            color=paint,
            linewidth=1.6,
            marker="o",
            markersize=4,
            markerfacecolor=light("paper") if inside is False else paint,
        )
        axes.plot(xs, expected, color=paint, linewidth=1.0, linestyle=(0, (2, 2)))
        if len(xs) == 1:  # a band of one point cannot be seen
            axes.plot([xs[0]] * 2, [lows[0], highs[0]], color=paint, linewidth=1.2)
        ends.append(EndLabel(x=xs[-1], y=100 * rates[-1].value, text=names[inside], colour=paint, bold=True))
        last, top = max(last, xs[-1]), max([top, *(100 * rate.value for rate in rates), *_calm(highs)])
    axes.set(xlim=(-0.03 * last, last * 1.02), ylim=(0, 1.08 * top))
    axes.set(xlabel="steps from the origin", ylabel="first errors per step at risk, %")
    axes.locator_params(axis="x", integer=True)
    if not found:
        say_nothing(axes, "No rollout was at risk of an error.")
    elif all(stretches[-1].last == 0 for stretches in found.values()):
        say_nothing(axes, "All rollouts went wrong at the start:\nnone was left at any later step.")
    label_ends(axes, ends, x=last * 1.02)
    return figure


def _calm(highs: Sequence[float]) -> list[float]:
    """Leave the widest few intervals out of what sets the axis; they are cut off at its top."""
    return sorted(highs)[: max(1, int(0.9 * len(highs)))]
