"""Figure of a training with dice: loss before the roll, loss after it, and loss on other mazes, by step."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.reports.palette import light
from maze_rl.reports.run_summary import JsonDict
from maze_rl.reports.training_figures import make_logarithmic, series, thin
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DECADES = 3
"""Powers of ten below the largest loss that have room; what is nearer 0 is drawn in proportion."""
MOST_ROLLS = 1500
"""Points of the middle panel; of longer logs every n-th roll is drawn."""
OUTCOMES = {
    "critical success": ("amber", "critical successes"),
    "success": ("blue", "saves"),
    "failure": ("vermillion", "failures"),
    "critical failure": ("reference-mid", "critical failures"),
}
"""Outcome of a roll -> its colour and what it is called in a key."""


@dataclass(frozen=True)
class Rolls(Shown):
    """The rolls of a run, in order; those whose loss is not known are left out."""

    steps: ndarray
    """Optimizer step, with a fraction where there are several rolls a step."""
    before: ndarray
    """Loss before the roll, nats per weight."""
    scales: ndarray
    """What it was multiplied by; 0 where the update was thrown away."""
    outcomes: list[str]

    @property
    def after(self) -> ndarray:
        """Loss after the roll."""
        return self.before * self.scales


def read_rolls(rows: Sequence[JsonDict]) -> Rolls:
    """Gather the rolls from rows of ``metrics.jsonl``; a roll without a loss of its own has that of its step."""
    found = []
    for row in rows:
        rolls = row.get("rolls") or []
        for place, roll in enumerate(rolls, 1):
            loss = row.get("loss") if roll.get("loss") is None else roll["loss"]
            if loss is not None and np.isfinite(loss) and {"outcome", "scale"} <= roll.keys():
                found.append((row["step"] - 1 + place / len(rolls), loss, roll["scale"], roll["outcome"]))
    steps, losses, scales, outcomes = zip(*found, strict=True) if found else ((), (), (), ())
    return Rolls(np.array(steps, float), np.array(losses, float), np.array(scales, float), list(outcomes))


def dice_panels(rows: Sequence[JsonDict], *, loss: str = "nats per weighted token") -> "Figure":
    """Draw three panels over each other: loss before the roll, after it (scale times loss), and in validation.

    Args:
        rows: Rows of ``metrics.jsonl`` with one kind of loss, or those that `DiceOptimizer` gives to ``on_step``.
        loss: Kind and unit of the loss.
    """
    from matplotlib.figure import Figure

    rolls = read_rolls(rows)
    height = 7.4
    figure = Figure(figsize=(WIDTH, height))
    before, after, validation = figure.subplots(3, 1, height_ratios=(1, 1.5, 1))
    figure.subplots_adjust(left=0.07, right=0.985, bottom=0.5 / height, top=1 - 0.32 / height, hspace=0.3)
    before.set_title(f"loss before the roll: {loss}", pad=6)
    _draw_line(before, rolls.steps, rolls.before, "reference")
    after.set_title("loss after the roll: scale × loss", pad=21)
    _draw_rolls(after, rolls)
    validation.set_title("validation loss, nats per weighted token", pad=6)
    _draw_line(validation, *series(rows, "validation_loss"), "green")
    steps = [row["step"] for row in rows] or [0, 1]
    first, last = min(steps) - 1, max(steps)
    first = 0 if first < 0.1 * last else first
    for axes in (before, after, validation):
        axes.set_xlim(first - 0.008 * (last - first), last + 0.01 * (last - first))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.tick_params(axis="x", labelbottom=axes is validation)
    validation.set_xlabel("optimizer step")
    return figure


def _draw_line(axes: "Axes", steps: ndarray, values: ndarray, colour: str) -> None:
    """Draw the median of stretches and their 10-90 % range."""
    if not len(steps):
        axes.set_yticks([])
        axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center", va="center", color=light("muted"))
        return
    places, middle, low, high = thin(steps, values)
    if low is not high:
        axes.fill_between(places, low, high, facecolor=light(colour), alpha=0.2, linewidth=0)
    few = len(places) < 40
    axes.plot(places, middle, color=light(colour), linewidth=1.4, marker="o" if few else "", markersize=3.5)
    if (values > 0).all():
        make_logarithmic(axes)
    else:
        axes.set_ylim(bottom=0)


def _draw_rolls(axes: "Axes", rolls: Rolls) -> None:
    """Draw every roll (or every n-th) in the colour of its outcome, with a key that gives the shares."""
    counts = Counter(rolls.outcomes)
    shown = slice(None, None, max(1, -(-len(rolls.steps) // MOST_ROLLS)))
    outcomes = np.array(rolls.outcomes[shown], dtype=object)
    steps, after = rolls.steps[shown], rolls.after[shown]
    entries = []
    for outcome, (colour, name) in OUTCOMES.items():
        if counts[outcome]:
            chosen = outcomes == outcome
            hollow = outcome == "critical failure"
            axes.scatter(
                steps[chosen],
                after[chosen],
                s=11,
                zorder=3 + hollow,
                linewidths=0.9 if hollow else 0,
                clip_on=False,
                facecolors=light("paper") if hollow else light(colour),
                edgecolors=light(colour),
                alpha=1.0 if hollow else 0.8,
            )
            entries.append((f"{100 * counts[outcome] / len(rolls.steps):.0f} % {name}", colour))
    if entries:
        _write_key(axes, [*entries, (f"mean scale {rolls.scales.mean():.3f}", "muted")])
    _scale_around_zero(axes, rolls.after)


def _scale_around_zero(axes: "Axes", values: ndarray) -> None:
    """Let an axis run in powers of ten on either side of 0, so that small reversals can be seen beside full updates."""
    top = 10.0 ** np.floor(np.log10(max(1e-6, float(np.abs(values).max(initial=0.0)))))
    powers = [top / 10**power for power in range(DECADES + 1)]
    axes.set_yscale("symlog", linthresh=powers[-1], linscale=0.6)
    axes.set_yticks([*(-power for power in powers), 0, *powers], minor=False)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    axes.set_ylim(min(2 * low, -powers[-1]), max(1.4 * high, powers[-1]))
    axes.axhline(0, color=light("axis"), linewidth=0.9, zorder=1)


def _write_key(axes: "Axes", entries: Sequence[tuple[str, str]]) -> None:
    """Write the outcomes above an axis, each in its colour, one after the other."""
    from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea

    style = {"fontsize": 8.5, "fontweight": "bold"}
    texts: "list[Artist]" = [TextArea(text, textprops={"color": light(colour), **style}) for text, colour in entries]
    line = HPacker(children=texts, pad=0, sep=14)
    place = {"bbox_to_anchor": (0, 1.02), "bbox_transform": axes.transAxes}
    axes.add_artist(AnchoredOffsetbox("lower left", child=line, pad=0, borderpad=0, frameon=False, **place))
