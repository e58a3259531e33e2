"""`result.plot()`: rates of shortest paths by size, or by length of the path, beside the baselines."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from maze_rl.errors import unknown_name
from maze_rl.evaluation.length_bins import place_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from maze_rl.evaluation.results import Estimate, EvaluationResult, LengthRow

AXES = ("size", "length")
_TO = "–"
MODEL, BASELINE = "#2a8fd0", "#8a94a1"
OTHERS = ("#d9822b", "#3a9d5d", "#8e5bb5", "#c0475b", "#7a6a53")
"""Colours of further results on the same axes, far from the first's and from each other's."""
_BASELINES = {
    "manhattan": ("Manhattan greedy", "--"),
    "random_non_backtracking": ("random, no turning back", ":"),
}


def plot_result(result: "EvaluationResult", ax: "Axes | None" = None, by: str = "size", label: str = "") -> "Axes":
    """Draw the rates of an evaluation with their 95 % intervals; a second one on the same axes gets its own colour.

    Args:
        result: What to draw.
        ax: Where to draw; a new figure without it.
        by: ``size`` of the mazes or ``length`` of their shortest paths.
        label: What the legend calls the model; its name without it.

    Raises:
        UnknownNameError: `by` is neither.
    """
    if by not in AXES:
        raise unknown_name("by", by, AXES)
    rows = result.rows if by == "size" else result.by_length
    ticks = {row.size: str(row.size) for row in result.rows} if by == "size" else _length_ticks(result.by_length)
    places = list(ticks)
    first = ax is None or not ax.has_data()
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.subplots(figsize=(6.4, 3.8), layout="constrained")[1]
    if first:
        _shade(ax, places, [row.in_training_range for row in rows])
        for name, (said, style) in _BASELINES.items():
            known = [(x, row.baselines[name]) for x, row in zip(places, rows, strict=True) if name in row.baselines]
            if known:
                values = [100 * rate.value for _, rate in known]
                ax.plot([x for x, _ in known], values, style, color=BASELINE, linewidth=1.4, label=said, zorder=2)
    _draw_model(ax, places, [row.shortest for row in rows], label or result.model, _free_colour(ax))
    ax.set(ylim=(0, 104), ylabel="shortest paths, % of mazes")
    ax.set_xlabel("maze size, cells per side" if by == "size" else "length of the shortest path, steps")
    _set_ticks(ax, ticks)
    ax.grid(axis="y", alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small")
    return ax


def _draw_model(ax: "Axes", places: Sequence[int], rates: Sequence["Estimate"], label: str, colour: str | None) -> None:
    values = [100 * rate.value for rate in rates]
    (line,) = ax.plot(places, values, marker="o", markersize=4.5, linewidth=2, color=colour, label=label, zorder=4)
    lows, highs = [100 * rate.low for rate in rates], [100 * rate.high for rate in rates]
    ax.fill_between(places, lows, highs, color=line.get_color(), alpha=0.22, linewidth=0, zorder=3)


def _shade(ax: "Axes", places: Sequence[int], trained: Sequence[bool | None]) -> None:
    """Shade the places seen in training."""
    label = "seen in training"
    for place, seen in zip(places, trained, strict=True):
        if seen:
            ax.axvspan(place - 0.5, place + 0.5, color=MODEL, alpha=0.1, linewidth=0, zorder=0, label=label)
            label = ""


def _length_ticks(rows: "Sequence[LengthRow]") -> dict[int, str]:
    """Return the place of each bin of lengths, the same in every result, and what stands there."""
    return {place_of(row.low): _span(row.low, row.high) for row in rows}


def _set_ticks(ax: "Axes", ticks: Mapping[int, str]) -> None:
    """Set ticks beside those of results that were drawn before."""
    from matplotlib.ticker import FixedLocator

    known: dict[float, str] = {}
    if isinstance(ax.xaxis.get_major_locator(), FixedLocator):  # others are matplotlib's own choice
        known = {float(tick.get_position()[0]): tick.get_text() for tick in ax.get_xticklabels()}
    for place, name in ticks.items():
        known[place] = max(known.get(place, name), name, key=_end)
    ax.set_xticks(sorted(known), [known[place] for place in sorted(known)])


def _free_colour(ax: "Axes") -> str | None:
    """Return the first colour that no line on the axes has; None, matplotlib's own choice, where all are taken."""
    from matplotlib.colors import to_hex

    taken = {to_hex(line.get_color()) for line in ax.lines}
    return next((colour for colour in (MODEL, *OTHERS) if colour not in taken), None)


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}{_TO}{high}"


def _end(span: str) -> int:
    """Return where a tick's range ends: the last bin of lengths ends at the longest path there is."""
    last = span.split(_TO)[-1]
    return int(last) if last.isdecimal() else 0
