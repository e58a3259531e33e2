"""Drawings that studies share: a pair of mazes, grids side by side, curves with intervals, a table of verdicts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from maze_rl.interp.finding import Finding
from maze_rl.intervals import Interval
from maze_rl.mazes.flip_pairs import FlipPairs
from maze_rl.mazes.lattice import Cell
from maze_rl.mazes.pictures.plotting import MazeColours, plot_maze
from maze_rl.mazes.solve import solve
from maze_rl.reports.palette import RUN_COLOURS, light
from maze_rl.reports.search.maze_overlays import draw_frame, draw_step
from maze_rl.reports.search.stated import is_known, stated_interval
from maze_rl.reports.vector_graphics import WIDTH, figure_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GREYS = (("reference-mid", "s", (0, (5, 1.5))), ("reference", "^", (0, (1, 1.2))), ("reference-light", "D", "solid"))
"""Colour, marker and dashes of the references of a figure of curves."""
_VERDICTS = {"yes": "green", "no": "vermillion", "unclear": "reference-mid"}


def pair_figure(pairs: FlipPairs, row: int) -> "Figure":
    """Draw a flip pair: shortest paths as bands, the right step at the fork as an arrow, both changed edges framed."""
    from matplotlib.figure import Figure

    fork = _cell(pairs.forks[row])
    members = {
        "clean": (pairs.clean[row], pairs.removed[row], pairs.right[row]),
        "flipped": (pairs.flipped[row], pairs.added[row], pairs.wrong[row]),
    }
    side = WIDTH / 3.2
    with figure_style():
        figure = Figure(figsize=(2 * side, side + 0.25))
        for index, (name, (maze, edge, following)) in enumerate(members.items()):
            axes = figure.add_axes((0.5 * index, 0, 0.49, side / (side + 0.25)))
            cell_points = 72 * side / (maze.shape[0] + 1)
            colours = MazeColours(wall=light("reference"))
            plot_maze(axes, maze, solution=solve(maze).path, colours=colours, cell_points=cell_points)
            draw_frame(axes, edge.tolist(), colour="blue" if name == "clean" else "vermillion")
            draw_step(axes, fork, _cell(following))
            axes.set_title(f"{name} maze", fontsize=9, x=0.06, pad=2)
    return figure


def curves_figure(
    curves: Mapping[str, Mapping[Any, Interval | float]],
    *,
    labels: tuple[str, str],
    grey: Sequence[str] = (),
    ticks: Mapping[int, str] | Mapping[float, str] | None = None,
    band: tuple[float, float, str] | None = None,
) -> "Figure":
    """Draw rates (0 to 1), each curve named in a key.

    Args:
        curves: Name to rate, with or without its interval, by place on the horizontal axis; unknown ones are left out.
        labels: Of the horizontal and the vertical axis.
        grey: Names of the curves that are references.
        ticks: What is written at places of the horizontal axis.
        band: (from, to, what) to shade.
    """
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(WIDTH * 0.75, 3.1))
        axes = figure.subplots()
        figure.subplots_adjust(left=0.09, right=0.7, bottom=0.16, top=0.93)
        if band is not None:
            axes.axvspan(band[0], band[1], color=light("band"), zorder=0)
            axes.text(
                (band[0] + band[1]) / 2, 1.03, band[2], fontsize=8, color=light("muted"), ha="center", va="bottom"
            )
        colours, greys = iter(RUN_COLOURS), iter(_GREYS * len(curves))
        for index, (name, points) in enumerate(curves.items()):
            colour, marker, dashes = next(greys) if name in grey else (next(colours), "o", "solid")
            shift = 0.04 * (index - (len(curves) - 1) / 2)
            _draw_curve(axes, points, shift, color=light(colour), marker=marker, linestyle=dashes, label=name)
        axes.set(xlabel=labels[0], ylabel=labels[1], ylim=(-0.02, 1.02))
        if ticks is not None:
            axes.set_xticks(list(ticks), list(ticks.values()))
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    return figure


def agreement_figure(
    panels: Mapping[str, tuple[Float[ndarray, " case"], Float[ndarray, " case"]]], *, labels: tuple[str, str]
) -> "Figure":
    """Draw points (x, y) under each title beside the line of equality; what lies beyond -0.5 and 1.5 is on the edge."""
    from matplotlib.figure import Figure

    ends = (-0.5, 1.5)
    with figure_style():
        figure = Figure(figsize=(WIDTH, 2.75))
        panel = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        figure.subplots_adjust(left=0.06, right=0.99, bottom=0.17, top=0.9, wspace=0.08)
        for axes, (title, (x, y)) in zip(panel, panels.items(), strict=True):
            axes.plot(ends, ends, color=light("reference-mid"), linewidth=1.0, linestyle=(0, (4, 2)), zorder=1)
            axes.plot(
                np.clip(x, *ends),
                np.clip(y, *ends),
                linestyle="",
                marker="o",
                markersize=4.5,
                alpha=0.35,
                color=light("blue"),
                markeredgewidth=0,
                clip_on=False,
            )
            axes.set(xlim=ends, ylim=ends, xticks=(0, 0.5, 1), xlabel=labels[0], title=title)
            axes.grid(True, axis="both")
        panel[0].set_ylabel(labels[1])
    return figure


def verdicts_figure(findings: Mapping[str, Mapping[str, Finding]]) -> "Figure":
    """Draw a table: one row for each model, one column for each score, the effect over its interval on its verdict."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    columns = list(next(iter(findings.values())))
    height = 0.5 * len(findings) + 0.45
    with figure_style():
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes((0.1, 0.01, 0.895, 0.98))
        for row, (name, scores) in enumerate(findings.items()):
            axes.text(-0.06, row + 0.5, name, ha="right", va="center", fontsize=9)
            for column, score in enumerate(columns):
                finding = scores[score]
                axes.add_patch(
                    Rectangle(
                        (column + 0.03, row + 0.06),
                        0.94,
                        0.88,
                        edgecolor="none",
                        alpha=0.22,
                        facecolor=light(_VERDICTS[finding.verdict]),
                    )
                )
                axes.text(
                    column + 0.5, row + 0.36, finding.verdict, ha="center", va="center", fontsize=9, fontweight="bold"
                )
                axes.text(
                    column + 0.5,
                    row + 0.7,
                    stated_interval(finding.effect),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color=light("muted"),
                )
        for column, score in enumerate(columns):
            axes.text(column + 0.5, -0.12, score, ha="center", va="bottom", fontsize=8.5, color=light("ink"))
        axes.set(xlim=(0, len(columns)), ylim=(len(findings), -0.75))
        axes.set_axis_off()
    return figure


def _draw_curve(axes: "Axes", points: Mapping[Any, Interval | float], shift: float, **style: Any) -> None:
    known = {
        x: (point.value, point.low, point.high) if isinstance(point, Interval) else (point,) * 3
        for x, point in points.items()
        if is_known(point)
    }
    places = np.array(list(known), dtype=float) + shift
    values, low, high = np.array(list(known.values()), dtype=float).reshape(-1, 3).T
    axes.vlines(places, low, high, color=style["color"], linewidth=1.3, alpha=0.7)
    axes.plot(places, values, markersize=4.5, linewidth=1.6, **style)


def _cell(pair: ndarray) -> Cell:
    return int(pair[0]), int(pair[1])
