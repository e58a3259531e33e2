"""Figures of patching: where a change of one edge acts, by layer and place, on the maze, and by component."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from maze_rl.interp.battery import Patching
from maze_rl.interp.interventions.attribution_patching import Confirmation
from maze_rl.interp.interventions.logit_attribution import LogitAttribution
from maze_rl.interp.interventions.patch_effects import PatchMap
from maze_rl.intervals import Interval
from maze_rl.reports.palette import light
from maze_rl.reports.search.heat_grids import grid_figure, grids_figure
from maze_rl.reports.search.interval_rows import IntervalRow, interval_rows
from maze_rl.reports.search.maze_overlays import EdgeOverlay, by_edge, overlay_figure
from maze_rl.reports.search.stated import is_known
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_COMPONENTS = 12
_WIDE = 10.0
"""Spread of effects beyond which their axes are logarithmic outside -2 to 2."""


def patch_maps(patching: Patching) -> dict[str, PatchMap]:
    """Return the maps by layer and group, by what they are called."""
    return {
        "restores the answer (denoising)": patching.denoise,
        "destroys the answer (noising)": patching.noise,
        "control: random step of equal length": patching.random_step,
        "control: an edge that does not matter": patching.control,
    }


def groups_figure(patching: Patching) -> "Figure":
    """Draw the residual stream's effects by layer and group: two measures above their two controls."""
    maps = {title: each.effects for title, each in patch_maps(patching).items()}
    return grids_figure(maps, columns=patching.denoise.places)


def strongest(effects: Float[ndarray, "layer head place"]) -> Float[ndarray, "layer head"]:
    """Return for each head the effect that is largest in size over the places."""
    filled = np.nan_to_num(effects)
    place = np.abs(filled).argmax(axis=2)
    return np.take_along_axis(filled, place[..., None], axis=2)[..., 0]


def patched_heads_figure(heads: PatchMap) -> "Figure":
    """Draw every head's largest effect over the groups of positions."""
    values = strongest(heads.effects)
    return grid_figure(
        values.T,
        rows=[str(head) for head in range(values.shape[1])],
        columns=[str(layer) for layer in range(values.shape[0])],
        width=WIDTH / 2,
        labels=("layer", "head"),
        diverging=True,
    )


def patched_maze_figure(patching: Patching) -> "Figure":
    """Draw the example's clean and flipped maze; the clean one's edges show the largest effect over the layers."""
    pairs, row = patching.pairs.pairs, patching.example
    edges, values = example_effects(patching)
    fork, right, wrong = (tuple(each[row].tolist()) for each in (pairs.forks, pairs.right, pairs.wrong))
    removed, added = (tuple(each[row].tolist()) for each in (pairs.removed, pairs.added))
    clean = EdgeOverlay(
        maze=pairs.clean[row],
        title="clean maze, effect of each edge's tokens",
        edges=edges,
        values=values,
        scale=1.0,
        key="effect of patching",
        diverging=True,
        here=fork,
        steps=[(right, "blue")],
        changed=[(removed, "solid"), (added, "dashed")],
    )
    swapped = np.where((edges == removed).all(axis=1, keepdims=True), np.array(added), edges)
    flipped = EdgeOverlay(
        maze=pairs.flipped[row],
        title="flipped maze",
        edges=swapped,
        values=np.zeros(len(swapped)),
        scale=1.0,
        key="effect of patching",
        diverging=True,
        here=fork,
        steps=[(wrong, "vermillion")],
        changed=[(added, "solid"), (removed, "dashed")],
    )
    return overlay_figure([clean, flipped])


def example_effects(patching: Patching) -> tuple[ndarray, ndarray]:
    """Return the listed edges of the example's clean maze and the largest effect of each over layers and tokens."""
    effects = np.nan_to_num(patching.by_position.effects)
    largest = np.take_along_axis(effects, np.abs(effects).argmax(axis=0)[None], axis=0)[0]
    edges = patching.pairs.spans.edges[patching.example].numpy().astype(np.int64)
    by_position = np.zeros(len(edges))
    for place, value in zip(patching.by_position.places, largest, strict=True):
        by_position[int(place)] = value
    return by_edge(by_position, edges, join="largest")


def confirmation_figure(confirmation: Confirmation) -> "Figure":
    """Draw exact effects over the estimates they were chosen by."""
    from matplotlib.figure import Figure

    estimates = confirmation.attribution
    figure = Figure(figsize=(WIDTH / 2, 3.2))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.16, right=0.97, bottom=0.17, top=0.97)
    exact = np.array([effect.value for effect in confirmation.exact])
    for x, effect in zip(estimates, confirmation.exact, strict=True):
        axes.plot([x, x], [effect.low, effect.high], color=light("reference-light"), linewidth=1.2, zorder=2)
    axes.plot(estimates, exact, linestyle="", marker="o", markersize=5.5, color=light("blue"), zorder=3)
    ends = [float(min(estimates.min(), exact.min(), 0)), float(max(estimates.max(), exact.max(), 0))]
    axes.plot(ends, ends, color=light("reference-mid"), linewidth=1.0, linestyle=(0, (4, 2)), zorder=1)
    axes.annotate("dashed: equal", (0.98, 0.03), xycoords="axes fraction", fontsize=8, ha="right", color=light("muted"))
    if ends[1] - ends[0] > _WIDE:
        # outliers of the estimates would leave the rest in one spot
        axes.set(xscale="symlog", yscale="symlog")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, place: f"{value:g}".replace("-", "−"))
        axes.tick_params(axis="x", labelsize=7)
    axes.set(xlabel="estimate, on one half of the pairs", ylabel="exact effect, on the other")
    axes.grid(True, axis="both")
    return figure


def strongest_components(direct: LogitAttribution) -> list[tuple[str, Interval]]:
    """Return the components that write most into the logit difference, the largest first."""
    parts = sorted(zip(direct.names, direct.intervals(), strict=True), key=lambda part: -abs(part[1].value))
    least = 1e-3 * max((abs(part.value) for _, part in parts if is_known(part)), default=0.0)
    return [part for part in parts if is_known(part[1]) and abs(part[1].value) > least][:_MOST_COMPONENTS]


def direct_figure(parts: Sequence[tuple[str, Interval]]) -> "Figure":
    """Draw what the strongest components write into the logit difference."""
    rows = [
        IntervalRow(name=name, interval=part, colour="blue" if part.value > 0 else "vermillion") for name, part in parts
    ]
    return interval_rows(rows, label="part of the logit difference", width=WIDTH / 2, marks=[(0.0, "")])
