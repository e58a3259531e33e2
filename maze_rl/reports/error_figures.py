"""Figures of where rollouts first go wrong: by kind and size, and the hazard along the path."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from maze_rl.evaluation.results import EvaluationResult
from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge
from maze_rl.reports.names import error_name
from maze_rl.reports.palette import ERROR_COLOURS, light
from maze_rl.reports.pooling import error_counts, first_errors_by_range, pooled_hazard
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _half_width_axes(labels: Sequence[str]) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 2 - 0.1, 3.4))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.11, right=right_edge(labels, WIDTH / 2), bottom=0.14, top=0.95)
    return figure, axes


_REST = "other errors"


def first_errors(evaluation: EvaluationResult, leading: Sequence[str]) -> "Figure":
    """Draw the share of rollouts by kind of first error, stacked by size.

    Args:
        evaluation: What to draw.
        leading: Kinds that get a colour each, by their place; all others share one grey.
    """
    rows, present = evaluation.first_errors, error_counts([evaluation])
    colours = {kind: light(colour) for kind, colour in zip(leading, ERROR_COLOURS, strict=False)}
    kinds = [kind for kind in colours if kind in present]
    rest = [kind for kind in present if kind not in colours]
    if rest:
        kinds.append(_REST)
        colours[_REST] = light("reference-mid")
    figure, axes = _half_width_axes([error_name(kind) for kind in kinds])
    floor = [0.0] * len(rows)
    ends: list[EndLabel] = []
    for kind in kinds:
        members = rest if kind == _REST else [kind]
        shares = [100 * sum(row.counts.get(each, 0) for each in members) / max(1, row.num) for row in rows]
        axes.bar(range(len(rows)), shares, 0.82, floor, color=colours[kind])
        ends.append(
            EndLabel(x=len(rows) - 0.55, y=floor[-1] + shares[-1] / 2, text=error_name(kind), colour=light("ink"))
        )
        floor = [below + share for below, share in zip(floor, shares, strict=True)]
    axes.set_xticks(range(len(rows)), [str(row.size) for row in rows])
    axes.set(xlim=(-0.6, max(1, len(rows)) - 0.4), ylim=(0, max([1.0, *floor]) * 1.06))
    axes.set(xlabel="maze size, cells per side", ylabel="rollouts with an error, %")
    label_ends(axes, ends, x=len(rows) - 0.4)
    return figure


_RANGES = ((True, "trained sizes", "blue"), (False, "other sizes", "vermillion"), (None, "all sizes", "blue"))


def hazard(evaluation: EvaluationResult) -> "Figure":
    """Draw the chance of a first error per step along the path, inside and outside the training sizes."""
    figure, axes = _half_width_axes(["trained sizes."])
    ends: list[EndLabel] = []
    last, top = 1.0, 0.1
    for inside, name, colour in _RANGES:
        stretches = pooled_hazard(first_errors_by_range(evaluation, inside))
        if not stretches:
            continue
        xs = [(stretch.first + stretch.last) / 2 for stretch in stretches]
        rates = [stretch.estimate for stretch in stretches]
        lows, highs = ([100 * getattr(rate, end) for rate in rates] for end in ("low", "high"))
        axes.fill_between(xs, lows, highs, facecolor=light(colour), alpha=0.18, linewidth=0)
        axes.plot(xs, [100 * rate.value for rate in rates], color=light(colour), linewidth=1.8)
        axes.plot(
            xs,
            [100 * stretch.expected / stretch.at_risk for stretch in stretches],
            color=light(colour),
            linewidth=1.0,
            linestyle=(0, (2, 2)),
        )
        ends.append(EndLabel(x=xs[-1], y=100 * rates[-1].value, text=name, colour=light(colour), bold=True))
        last, top = max(last, xs[-1]), max([top, *(100 * rate.value for rate in rates), *_calm(highs)])
    axes.set(xlim=(0, last * 1.02), ylim=(0, 1.08 * top))
    axes.set(xlabel="steps from the origin", ylabel="first errors per step at risk, %")
    label_ends(axes, ends, x=last * 1.02)
    return figure


def _calm(highs: Sequence[float]) -> list[float]:
    """Leave the widest few intervals out of what sets the axis; they are cut off at its top."""
    return sorted(highs)[: max(1, int(0.9 * len(highs)))]
