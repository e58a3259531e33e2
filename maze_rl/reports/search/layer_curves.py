"""Lines over layers, named where they end: one measure in colour, its controls in grey."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge
from maze_rl.reports.palette import light
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class LayerCurve(Shown):
    """One line."""

    name: str
    values: Float[ndarray, " place"]
    """By place of the axis; a single value holds at every place."""
    colour: str = "reference-mid"
    style: object = "solid"
    bold: bool = False
    low: Float[ndarray, " place"] | None = None
    high: Float[ndarray, " place"] | None = None
    first: int = 0
    """Place of the axis where the line begins."""


def layer_curves(
    curves: Sequence[LayerCurve],
    *,
    names: Sequence[str],
    label: str,
    x_label: str = "read after layer (E: embedding)",
    limits: tuple[float | int, float | int] | None = None,
    width: float | int = WIDTH,
    height: float = 3.0,
) -> "Figure":
    """Draw the lines; `names` are those of the places."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.subplots()
    labelled = [curve.name for curve in curves]
    figure.subplots_adjust(
        left=0.66 / width + 0.02, right=right_edge(labelled, width), bottom=0.5 / height, top=1 - 0.1 / height
    )
    last = len(names) - 1
    ends: list[EndLabel] = []
    for curve in curves:
        values = np.resize(curve.values, len(names)) if len(curve.values) == 1 else curve.values
        xs, colour = np.arange(curve.first, curve.first + len(values)), light(curve.colour)
        known = np.isfinite(values)
        if not known.any():
            continue
        axes.plot(
            xs[known],
            values[known],
            color=colour,
            linestyle=curve.style,
            linewidth=2.2 if curve.bold else 1.4,  # type: ignore[arg-type]
            marker="o" if curve.bold else "",
            markersize=4.5,
            zorder=4 if curve.bold else 3,
        )
        if curve.low is not None and curve.high is not None:
            axes.fill_between(xs, curve.low, curve.high, facecolor=colour, alpha=0.18, linewidth=0, zorder=2)
        end = int(np.flatnonzero(known)[-1])
        height_there = float(np.clip(values[end], *(limits or (-np.inf, np.inf))))
        name_colour = colour if curve.bold else light("muted")
        ends.append(EndLabel(x=float(xs[end]), y=height_there, text=curve.name, bold=curve.bold, colour=name_colour))
    axes.set(xlim=(-0.3, last + 0.3), ylabel=label, xlabel=x_label)
    if limits:
        axes.set_ylim(*limits)
    every = max(1, -(-len(names) // 14))
    axes.set_xticks(range(0, len(names), every), [names[place] for place in range(0, len(names), every)])
    label_ends(axes, ends, x=last + 0.3)
    return figure


def layer_names(num: int) -> list[str]:
    """Name the places of a measure that begins with the embedding."""
    return ["E", *(str(layer) for layer in range(num - 1))]
