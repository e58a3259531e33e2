"""Figures of causal use: interchange, steering and ablation, each beside its controls."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.interp.interventions.edge_steering import SteeringResult
from maze_rl.interp.interventions.head_ablation import AblationResult
from maze_rl.interp.interventions.interchange import Interchange
from maze_rl.reports.palette import light
from maze_rl.reports.search.interval_rows import IntervalRow, interval_rows
from maze_rl.reports.search.stated import in_percent, shown_rate
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def interchange_figure(swaps: Interchange) -> "Figure":
    """Draw the accuracy of swaps beside that of control subspaces, and how often the whole answer is copied."""
    rows = [
        IntervalRow(name=f"subspace of {swaps.variable}", interval=swaps.iia, colour="blue", bold=True),
        IntervalRow(name="its part within the data", interval=swaps.in_data, colour="sky"),
        IntervalRow(name="random, equal rank", interval=swaps.random, gap_before=True),
        IntervalRow(name="other mazes' labels", interval=swaps.other_labels),
        IntervalRow(name="all but the subspace", interval=swaps.complement),
        IntervalRow(name="the source's own step", interval=swaps.source_answer, gap_before=True),
    ]
    rows = [replace(row, interval=shown_rate(row.interval, swaps.num_swaps, swaps.ends)) for row in rows]
    return interval_rows(rows, label="share of swaps; above the last row: IIA", limits=(-0.03, 1.03), width=WIDTH / 2)


def steering_figure(steering: SteeringResult) -> "Figure":
    """Draw how often steering turns the choice, for adding and for removing an edge."""
    rows = []
    for effect in (steering.add, steering.remove):
        rows += [
            IntervalRow(
                name=f"{effect.edit} an edge", interval=effect.success, colour="blue", bold=True, gap_before=bool(rows)
            ),
            IntervalRow(name="sign flipped", interval=effect.sign_flipped),
            IntervalRow(name="random direction", interval=effect.random_direction),
        ]
    return interval_rows(rows, label="decisions turned", limits=(-0.03, 1.03), width=WIDTH / 2)


def ablation_figure(ablation: AblationResult) -> "Figure":
    """Draw the loss without the named heads over the losses without random sets of heads."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(WIDTH / 2, 2.6))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.12, right=0.96, bottom=0.2, top=0.86)
    random, drop = 100 * ablation.random_drops, in_percent(ablation.drop)
    low, high = min(random.min(initial=0.0), drop.low, 0.0), max(random.max(initial=0.0), drop.high, 1.0)
    axes.hist(random, bins=np.linspace(low, high, 31).tolist(), color=light("reference-light"), zorder=2)
    axes.axvspan(drop.low, drop.high, facecolor=light("blue"), alpha=0.15, linewidth=0, zorder=1)
    axes.axvline(drop.value, color=light("blue"), linewidth=2.2, zorder=4)
    axes.annotate(
        "named heads",
        (drop.value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        fontweight="bold",
        textcoords="offset points",
        fontsize=8.5,
        color=light("blue"),
        annotation_clip=False,
        ha="right"
        if drop.value > low + 0.75 * (high - low)
        else "left"
        if drop.value < low + 0.25 * (high - low)
        else "center",
    )
    axes.set(xlabel="right choices at forks lost, points", ylabel="random sets")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    return figure
