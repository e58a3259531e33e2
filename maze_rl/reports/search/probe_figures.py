"""Figures of probes: scores by layer with their controls, AUROCs, and when distances become known."""

from typing import TYPE_CHECKING

import numpy as np

from maze_rl.interp.battery import Battery
from maze_rl.interp.probes.emergence import NEVER, Emergence
from maze_rl.interp.probes.held_variables import VariableProbe
from maze_rl.intervals import Interval
from maze_rl.reports.search.heat_grids import grid_figure
from maze_rl.reports.search.interval_rows import IntervalRow, interval_rows
from maze_rl.reports.search.layer_curves import LayerCurve, layer_curves, layer_names
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTROL_NAMES = {
    "of other mazes": "other mazes' labels",
    "control task": "control task",
    "embeddings": "embeddings",
    "untrained": "untrained",
}
_STYLES = {
    "of other mazes": (0, (1, 1.5)),
    "control task": (0, (4, 1.5, 1, 1.5)),
    "embeddings": (0, (6, 2)),
    "untrained": "solid",
}


def probe_figure(probe: VariableProbe) -> "Figure":
    """Draw the share a probe explains after each layer, with all controls."""
    curves = [
        LayerCurve(
            name=CONTROL_NAMES.get(name, name),
            values=score.by_layer,
            style=_STYLES.get(name, "solid"),
            colour="reference" if name == "untrained" else "reference-mid",
        )
        for name, score in probe.controls.items()
    ]
    curves.append(LayerCurve(name="model", values=probe.score.by_layer, colour="blue", bold=True))
    lowest = min(float(np.nanmin(curve.values)) for curve in curves)
    return layer_curves(
        curves,
        names=layer_names(len(probe.score.by_layer)),
        label="share explained beyond base",
        limits=(max(-0.3, min(-0.05, lowest)), 1.03),
        width=WIDTH / 2,
        height=2.9,
    )


def auroc_figure(battery: Battery) -> "Figure":
    """Draw how well open edges, and cells of the path before it starts, are told apart."""
    walls, on_path = battery.walls, battery.on_path
    base = walls.baseline_auroc
    rows = [
        IntervalRow(name="open edges: probe", interval=walls.auroc, colour="blue", bold=True),
        IntervalRow(name="rate of each edge", interval=Interval(base, base, base)),
        IntervalRow(name="cells of the path: probe", interval=on_path.auroc, colour="blue", bold=True, gap_before=True),
        IntervalRow(name="straight corridor", interval=on_path.baseline),
    ]
    if on_path.untrained is not None:
        rows.append(IntervalRow(name="untrained", interval=on_path.untrained))
    least = min(0.4, *(row.interval.low - 0.02 for row in rows))
    return interval_rows(rows, label="AUROC", limits=(least, 1.02), width=WIDTH / 2, marks=[(0.5, "chance")])


def emergence_figure(emergence: Emergence, num_layers: int) -> "Figure":
    """Draw for each distance in which layer its cells become known, as shares."""
    return grid_figure(
        emergence_shares(emergence, num_layers)[::-1],
        rows=["never", *(str(layer) for layer in reversed(range(num_layers))), "embedding"],
        columns=[str(steps) for steps in range(int(emergence.distance.max()) + 1)],
        width=WIDTH,
        labels=("steps to the target", "known from layer"),
    )


def emergence_shares(emergence: Emergence, num_layers: int) -> np.ndarray:
    """Return shares [layer, distance] of cells first known there; the embedding is first, the last row is never."""
    shares = np.full((num_layers + 2, int(emergence.distance.max()) + 1), np.nan)
    for steps in range(shares.shape[1]):
        first = emergence.first_layer[emergence.distance == steps]
        if len(first):
            first = np.where(first == NEVER, num_layers + 1, first)
            shares[:, steps] = np.bincount(first, minlength=num_layers + 2) / len(first)
    return shares
