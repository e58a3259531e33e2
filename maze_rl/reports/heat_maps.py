"""Heat maps of rates by size: over the length of the shortest path, and over the distance to the target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import Estimate, EvaluationResult
from maze_rl.reports.palette import light, ramp_level
from maze_rl.reports.pooling import FEWEST
from maze_rl.reports.success_tables import span
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class HeatCell(Shown):
    """A rate at a size and in a bin of steps."""

    size: int
    low: int
    high: int
    rate: Estimate


def heat_map(evaluation: EvaluationResult) -> "Figure":
    """Draw the rate of shortest paths by size and path length, with the number of mazes in every cell."""
    cells = [HeatCell(size=cell.size, low=cell.low, high=cell.high, rate=cell.shortest) for cell in evaluation.grid]
    return _drawn(evaluation, cells, "length of the shortest path, steps")


def step_heat_map(evaluation: EvaluationResult) -> "Figure":
    """Draw the share of single steps that are right by size and distance to the target, with the number of steps."""
    rows = evaluation.steps_by_distance
    cells = [HeatCell(size=row.size, low=row.low, high=row.high, rate=row.accuracy) for row in rows]
    return _drawn(evaluation, cells, "distance to the target, steps")


def _drawn(evaluation: EvaluationResult, cells: Sequence[HeatCell], steps: str) -> "Figure":
    from matplotlib.figure import Figure

    sizes = sorted({cell.size for cell in cells})
    spans = sorted({(cell.low, cell.high) for cell in cells})
    figure = Figure(figsize=(WIDTH, 1.05 + 0.44 * max(1, len(spans))))
    axes = figure.subplots()
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.088, right=0.99, bottom=0.55 / height, top=1 - 0.3 / height)
    for cell in cells:
        if cell.rate.num:
            _draw_cell(axes, sizes.index(cell.size), spans.index((cell.low, cell.high)), cell.rate)
    _outline_training(axes, evaluation, sizes, spans)
    axes.set(xlim=(-0.52, len(sizes) - 0.48), ylim=(-0.52, len(spans) - 0.48))
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    axes.set_yticks(range(len(spans)), [span(low, high) for low, high in spans])
    axes.set(xlabel="maze size, cells per side", ylabel=steps)
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _draw_cell(axes: "Axes", x: int, y: int, rate: Estimate) -> None:
    from matplotlib.patches import Rectangle

    level, enough = ramp_level(rate.value), rate.num >= FEWEST
    face, text = (f"ramp-{level}", f"on-ramp-{level}") if enough else ("void", "muted")
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=light(face), edgecolor="none"))
    percent = f"{_whole_percent(rate.value)} %"
    axes.text(
        x,
        y + 0.08,
        percent,
        ha="center",
        va="center_baseline",
        fontsize=10.5,
        color=light(text),
        fontweight="bold" if enough else "normal",
    )
    axes.text(x, y - 0.29, f"n = {rate.num:,}", ha="center", va="center_baseline", fontsize=6.5, color=light(text))


def _whole_percent(share: float) -> str:
    """Write a share in whole percent; 0 and 100 stand for none and all alone."""
    percent = round(100 * share)
    if percent == 100 and share < 1:
        return ">99"
    return "<1" if percent == 0 and share > 0 else str(percent)


def _outline_training(
    axes: "Axes", evaluation: EvaluationResult, sizes: Sequence[int], spans: Sequence[tuple[int, int]]
) -> None:
    """Draw a line around the sizes and lengths seen in training, where they are one block."""
    trained = [index for index, size in enumerate(sizes) if size in evaluation.training_sizes]
    longest = evaluation.longest_training_path
    reached = [index for index, (low, _) in enumerate(spans) if longest is None or low <= longest]
    if not trained or not reached or trained != list(range(trained[0], trained[-1] + 1)):
        return
    left, right, top = trained[0] - 0.5, trained[-1] + 0.5, reached[-1] + 0.5
    axes.plot(
        [left, left, right, right, left], [-0.5, top, top, -0.5, -0.5], color=light("ink"), linewidth=1.3, zorder=4
    )
    axes.annotate(
        "frame: seen in training",
        (0, 1),
        xytext=(0, 5),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=8.5,
        color=light("muted"),
    )
