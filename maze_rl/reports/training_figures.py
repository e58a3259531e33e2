"""Figures of training: loss, learning rate, gradient norm and validation by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.reports.direct_labels import short_name, text_points
from maze_rl.reports.loss_kinds import LossKind, kinds_of_rows, validation_kind
from maze_rl.reports.palette import light
from maze_rl.reports.rate_lines import run_colour
from maze_rl.reports.run_summary import JsonDict, RunSummary
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 250
TITLE_WIDTH = 62
"""Letters of a panel's title in one line."""


@dataclass(frozen=True)
class Panel(Shown):
    """One quantity of a log, of the runs that recorded it."""

    title: str
    rows: Mapping[int, Sequence[JsonDict]]
    """Number of the run -> its rows of this quantity."""
    key: str
    logarithmic: bool
    percent: bool = False


def panels_of(runs: Sequence[RunSummary]) -> list[Panel]:
    """Return what is drawn: a panel for every kind of loss, validation, learning rate and gradient norm.

    Losses of unlike kinds have no common scale: each has a panel of its own, in training and in validation.
    """
    kinds: dict[LossKind, dict[int, Sequence[JsonDict]]] = {}
    validations: dict[LossKind, dict[int, Sequence[JsonDict]]] = {}
    for number, run in enumerate(runs):
        for kind, rows in kinds_of_rows(run.config, run.metrics).items():
            kinds.setdefault(kind, {})[number] = rows
        validations.setdefault(validation_kind(run.config), {})[number] = run.metrics
    everything = {number: run.metrics for number, run in enumerate(runs)}
    of_losses = " of its own loss" if len(kinds) > 1 else ""
    panels = [Panel(f"training loss: {kind.title}", rows, "loss", True) for kind, rows in kinds.items()]
    panels.append(
        Panel("validation, paths predicted without an error, %", everything, "validation_exact", False, percent=True)
    )
    panels += [
        Panel(f"validation loss: {kind.title}", rows, "validation_loss", True) for kind, rows in validations.items()
    ]
    panels.append(Panel("learning rate", everything, "learning_rate", False))
    panels.append(Panel(f"gradient norm{of_losses} before clipping", everything, "gradient_norm", True))
    return [panel for panel in panels if any(len(series(rows, panel.key)[0]) for rows in panel.rows.values())]


def series(metrics: Sequence[JsonDict], key: str) -> tuple[ndarray, ndarray]:
    """Return the steps and the finite values recorded under `key`."""
    pairs = [(row["step"], row[key]) for row in metrics if row.get(key) is not None and np.isfinite(row[key])]
    steps, values = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(steps, float), np.array(values, float)


def thin(steps: ndarray, values: ndarray) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Return steps, medians, lows and highs (10th and 90th percentile) of at most `MOST_POINTS` stretches."""
    if len(steps) <= MOST_POINTS:
        return steps, values, values, values
    bounds = np.linspace(0, len(steps), MOST_POINTS + 1).astype(int)
    parts = [slice(first, last) for first, last in pairwise(bounds)]
    quantiles = np.array([np.quantile(values[part], (0.5, 0.1, 0.9)) for part in parts])
    return np.array([steps[part].mean() for part in parts]), *quantiles.T


def training_curves(runs: Sequence[RunSummary]) -> "Figure":
    """Draw the panels by step, one line per run: the median of a stretch, and its 10-90 % range."""
    from matplotlib.figure import Figure

    panels = panels_of(runs)
    num_rows = max(1, -(-len(panels) // 2))
    keys = _key_lines(runs) if len(runs) > 1 else []
    titles = ["\n".join(wrap(panel.title, TITLE_WIDTH)) for panel in panels]
    head = 0.3 if all("\n" not in title for title in titles[:2]) else 0.46
    height = 0.05 + head + 2.3 * num_rows + 0.2 * len(keys)
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.subplots(num_rows, 2, squeeze=False)
    figure.subplots_adjust(
        left=0.06,
        right=0.985,
        bottom=0.52 / height,
        wspace=0.16,
        hspace=0.38 if all("\n" not in title for title in titles) else 0.5,
        top=1 - (head + 0.22 * len(keys)) / height,
    )
    _write_keys(figure, keys)
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    last = max((float(row["step"]) for run in runs for row in run.metrics), default=1.0)
    for index, (axes, panel) in enumerate(zip(list(grid.flat), panels, strict=False)):
        _draw_panel(axes, panel, last)
        axes.set_title(titles[index], pad=6)
        if index + 2 >= len(panels):
            axes.set_xlabel("optimizer step")
    return figure


def _key_lines(runs: Sequence[RunSummary]) -> list[list[tuple[str, str]]]:
    """Set the runs' names, each with its colour, in lines that fit the figure."""
    lines: list[list[tuple[str, str]]] = [[]]
    for index, run in enumerate(runs):
        name = short_name(run.name, 40)
        if lines[-1] and sum(_key_width(other) for other, _ in lines[-1]) + _key_width(name) > 0.92:
            lines.append([])
        lines[-1].append((name, light(run_colour(index))))
    return lines


def _key_width(name: str) -> float:
    return (text_points(name, bold=True) + 16) / (72 * WIDTH)


def _write_keys(figure: "Figure", lines: Sequence[Sequence[tuple[str, str]]]) -> None:
    for number, line in enumerate(lines):
        x = 0.06
        for name, colour in line:
            figure.text(
                x,
                1 - (0.16 + 0.2 * number) / figure.get_figheight(),
                name,
                color=colour,
                fontsize=8.5,
                fontweight="bold",
            )
            x += _key_width(name)


def _draw_panel(axes: "Axes", panel: Panel, last: float) -> None:
    positive = True
    for number, rows in panel.rows.items():
        steps, values = series(rows, panel.key)
        if not len(steps):
            continue
        positive &= bool((values > 0).all())
        steps, middle, low, high = thin(steps, (100 if panel.percent else 1) * values)
        colour = light(run_colour(number))
        if low is not high:
            axes.fill_between(steps, low, high, facecolor=colour, alpha=0.2, linewidth=0)
        marker = "o" if len(steps) < 40 else ""
        axes.plot(steps, middle, color=colour, linewidth=1.4, marker=marker, markersize=3, clip_on=False)
    if panel.logarithmic and positive:
        make_logarithmic(axes)
    elif panel.percent:
        axes.set_ylim(0, 103)
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlim(0, last * 1.01)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def make_logarithmic(axes: "Axes", ticks: int = 6) -> None:
    """Make the vertical axis logarithmic, with at most `ticks` labels at 1, 2 and 5 times powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5), numticks=ticks))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", which="minor", length=0)
