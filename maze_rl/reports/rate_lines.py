"""Lines of rates over places (sizes, bins of lengths, numbers of loops), with intervals and names at their ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import Estimate
from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge
from maze_rl.reports.palette import RUN_COLOURS, light
from maze_rl.reports.pooling import FEWEST
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Curve(Shown):
    """Rates along an axis of sizes or of bins of lengths."""

    name: str
    places: Sequence[int]
    rates: Sequence[Estimate]
    colour: str
    """Name in the palette."""
    style: object = "solid"
    width: float = 2.2
    is_run: bool = False
    trained: Sequence[bool | None] = ()
    """Whether the run was trained on such mazes, at each place; None where that is not known."""


def run_colour(index: int) -> str:
    """Return the name of the colour of the run at `index`."""
    return RUN_COLOURS[index % len(RUN_COLOURS)]


def rate_axes(places: Sequence[int], curves: Sequence[Curve]) -> "tuple[Figure, Axes]":
    """Return axes of rates in percent over places, with room for the names of the curves on their right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 4.3))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.06, right=right_edge([curve.name for curve in curves], WIDTH), bottom=0.12, top=0.95)
    first, last = (min(places), max(places)) if len(places) else (0, 1)
    axes.set(xlim=(first - 0.5, last + 0.5), ylim=(0, 103), ylabel="shortest paths, % of mazes")
    axes.set_yticks(range(0, 101, 20))
    return figure, axes


def shade_training(axes: "Axes", *trained: set[int]) -> None:
    """Shade the places seen in training where all runs agree on them."""
    places = sorted(trained[0])
    if not places or any(other != trained[0] for other in trained):
        return
    starts = [place for place in places if place - 1 not in places]
    ends = [place for place in places if place + 1 not in places]
    for start, end in zip(starts, ends, strict=True):
        axes.axvspan(start - 0.5, end + 0.5, facecolor=light("band"), edgecolor="none", zorder=0)
    axes.annotate(
        "shaded: seen in training",
        (0, 1),
        xytext=(0, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        color=light("muted"),
        fontsize=8.5,
        va="bottom",
    )


def draw_curves(axes: "Axes", curves: Sequence[Curve], places: Sequence[int]) -> None:
    """Draw curves with the bands of their intervals and their names beside their ends."""
    ends: list[EndLabel] = []
    for curve in curves:
        known = [(x, rate) for x, rate in zip(curve.places, curve.rates, strict=True) if rate.num]
        if not known:
            continue
        xs, values = [x for x, _ in known], [100 * rate.value for _, rate in known]
        colour = light(curve.colour)
        axes.plot(xs, values, color=colour, linestyle=curve.style, linewidth=curve.width, zorder=3 + curve.is_run)
        if curve.is_run or curve.width > 1.5:
            lows, highs = ([100 * getattr(rate, end) for _, rate in known] for end in ("low", "high"))
            axes.fill_between(xs, lows, highs, facecolor=colour, alpha=0.18, linewidth=0, zorder=2)
        if curve.is_run:
            _mark_points(axes, curve, colour)
        ends.append(
            EndLabel(
                x=xs[-1],
                y=values[-1],
                text=curve.name,
                bold=curve.is_run,
                colour=colour if curve.is_run else light("muted"),
            )
        )
    if len(places):
        label_ends(axes, ends, x=max(places) + 0.5)


def _mark_points(axes: "Axes", curve: Curve, colour: str) -> None:
    """Mark rates: hollow where not trained, filled elsewhere, small on few mazes; each with its interval."""
    for x, rate, trained in zip(curve.places, curve.rates, curve.trained, strict=True):
        if rate.num:
            axes.plot([x, x], [100 * rate.low, 100 * rate.high], color=colour, linewidth=1.2, zorder=4)
            axes.plot(
                [x],
                [100 * rate.value],
                marker="o",
                markersize=5.5 if rate.num >= FEWEST else 3,
                color=colour,
                markerfacecolor=light("paper") if trained is False else colour,
                markeredgewidth=1.5,
                zorder=5,
            )
