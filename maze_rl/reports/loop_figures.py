"""The figure of success by number of loops: one line for each size."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.evaluation.results import LoopRow
from maze_rl.reports.palette import LEVELS, light
from maze_rl.reports.rate_lines import Curve, draw_curves, rate_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def success_by_loops(rows: Sequence[LoopRow]) -> "Figure":
    """Draw the rate of shortest paths by number of loops, and mark the number the model is kept with."""
    loops = sorted({row.loops for row in rows})
    curves = []
    sizes = sorted({row.size for row in rows})
    for size, level in zip(sizes, np.linspace(8, LEVELS - 1, len(sizes)).round().astype(int), strict=True):
        here = sorted((row for row in rows if row.size == size), key=lambda row: row.loops)
        curves.append(
            Curve(
                name=f"{size} × {size}",
                places=[loops.index(row.loops) for row in here],
                rates=[row.shortest for row in here],
                colour=f"ramp-{level}",  # the larger, the darker: run colours mean runs
                is_run=True,
                trained=[row.in_training_range for row in here],
            )
        )
    figure, axes = rate_axes(range(len(loops)), curves)
    for place in sorted({loops.index(row.loops) for row in rows if row.as_kept}):
        axes.axvspan(place - 0.5, place + 0.5, facecolor=light("band"), edgecolor="none", zorder=0)
        axes.text(place, 103.5, "as kept", color=light("muted"), fontsize=8.5, ha="center", va="bottom")
    draw_curves(axes, curves, range(len(loops)))
    axes.set_xticks(range(len(loops)), [str(number) for number in loops])
    axes.set_xlabel("times the block of layers is applied")
    return figure
