"""Figures of behaviour: choices that follow a change, choices by the look-ahead they need, simple rules, layers."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.interp.battery import Battery
from maze_rl.interp.behaviour.compute_frontier import ComputeFrontier
from maze_rl.interp.behaviour.flip_rate import FlipRates, LogitSensitivity
from maze_rl.interp.behaviour.look_ahead import LookAhead
from maze_rl.interp.behaviour.rule_exclusion import RuleExclusion
from maze_rl.intervals import Interval
from maze_rl.reports.direct_labels import EndLabel, label_ends, right_edge
from maze_rl.reports.palette import light
from maze_rl.reports.search.interval_rows import IntervalRow, interval_rows
from maze_rl.reports.search.layer_curves import LayerCurve, layer_curves, layer_names
from maze_rl.reports.search.stated import in_percent, shown_rate
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_DEPTHS = 6


def flip_figure(flips: FlipRates) -> "Figure":
    """Draw the rates of right and of false flips by depth."""
    from matplotlib.figure import Figure

    depths = [depth for depth in flips.depths if flips.num_solved(depth)]
    right, false = "follows the change", "false flips"
    figure = Figure(figsize=(WIDTH, 3.3))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.06, right=right_edge([right, false], WIDTH), bottom=0.2, top=0.97)
    places = list(range(len(depths)))
    series = ((right, flips.flip_rate, "blue", -0.06), (false, flips.false_flip_rate, "vermillion", 0.06))
    ends = []
    for name, rate, colour, shift in series:
        intervals = [rate(depth) for depth in depths]
        draw_rates(axes, [place + shift for place in places], intervals, colour)
        ends.append(
            EndLabel(x=places[-1] + shift, y=100 * intervals[-1].value, text=name, bold=True, colour=light(colour))
        )
    axes.set(
        xlim=(-0.4, len(depths) - 0.6),
        ylim=(-3, 103),
        ylabel="% of solved pairs",
        xlabel="K, steps from the fork to the change; below: solved pairs",
    )
    axes.set_xticks(places, [f"{depth}\n{flips.num_solved(depth)}" for depth in depths])
    label_ends(axes, ends, x=len(depths) - 0.6)
    return figure


def draw_rates(axes: "Axes", xs: list[float | int], intervals: list[Interval], colour: str) -> None:
    """Draw rates in percent, joined, with their intervals."""
    values = [100 * each.value for each in intervals]
    axes.plot(xs, values, color=light(colour), linewidth=2.0, marker="o", markersize=5.5, zorder=4)
    for x, each in zip(xs, intervals, strict=True):
        axes.plot([x, x], [100 * each.low, 100 * each.high], color=light(colour), linewidth=1.1, zorder=3)


def look_ahead_figure(battery: Battery, curve: LookAhead) -> "Figure":
    """Draw the rate of right choices by needed look-ahead (`curve`), over the curves of ideal look-ahead."""
    from matplotlib.figure import Figure

    steps = list(curve.steps)
    names = [_ideal_name(ahead) for ahead in battery.ideal]
    figure = Figure(figsize=(WIDTH, 3.6))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.06, right=right_edge([*names, "model"], WIDTH), bottom=0.19, top=0.93)
    places = {step: float(place) for place, step in enumerate(steps)}
    ends = []
    for ahead, ideal in battery.ideal.items():
        xs, values = [places[step] for step in ideal.steps], [100 * rate.value for rate in ideal.right_rate]
        greedy = ahead == 0
        axes.plot(
            xs,
            values,
            color=light("reference" if greedy else "reference-light"),
            linewidth=1.6 if greedy else 1.1,
            linestyle=(0, (5, 2)) if greedy else "solid",
            zorder=2,
        )
        ends.append(EndLabel(x=xs[-1], y=values[-1], text=_ideal_name(ahead), colour=light("muted")))
    draw_rates(axes, list(places.values()), list(curve.right_rate), "blue")
    ends.append(
        EndLabel(x=len(steps) - 1.0, y=100 * curve.right_rate[-1].value, text="model", bold=True, colour=light("blue"))
    )
    axes.set(
        xlim=(-0.4, len(steps) - 0.6),
        ylim=(-3, 105),
        ylabel="right choices at forks, %",
        xlabel="k*, steps one must see ahead; below: forks",
    )
    axes.set_xticks(list(places.values()), [f"{k}\n{num}" for k, num in zip(steps, curve.num_forks, strict=True)])
    _mark_fit(axes, curve)
    label_ends(axes, ends, x=len(steps) - 0.6)
    return figure


def _ideal_name(ahead: int) -> str:
    return "Manhattan greedy" if ahead == 0 else f"look-ahead {ahead}"


def _mark_fit(axes: "Axes", curve: LookAhead) -> None:
    if curve.joint.where != "within":
        return
    x = float(np.interp(curve.joint.look_ahead.value, curve.steps, range(len(curve.steps))))
    axes.axvline(x, color=light("blue"), linewidth=1.1, linestyle=(0, (2, 2)), zorder=1)
    axes.annotate(
        f"fitted: {curve.joint.look_ahead.value:.1f} steps",
        (x, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=8,
        color=light("blue"),
    )


def rules_figure(rules: RuleExclusion, layouts: Int64[ndarray, " maze"]) -> "Figure":
    """Draw how often the model picks what each simple rule picks, and how often the rule is right, over all forks.

    Args:
        rules: The comparison.
        layouts: Layout of each maze with forks.
    """
    ordered = sorted(rules.rules, key=lambda rule: -np.nan_to_num(rule.agreement.value))
    alike = rules.most_alike.name
    rows = [
        IntervalRow(
            name=rule_name(rule.name),
            interval=in_percent(shown_rate(rule.agreement, len(layouts), layouts)),
            tick=100 * rule.rule_right.value,
            colour="blue" if rule.name == alike else "reference-mid",
            bold=rule.name == alike,
        )
        for rule in ordered
    ]
    return interval_rows(rows, label="agrees with the rule, % of forks", limits=(0, 103), width=WIDTH / 2)


def rule_name(name: str) -> str:
    """Return the words for a rule."""
    return {"manhattan": "nearest (Manhattan)", "straight_line": "nearest (straight line)"}.get(
        name, name.replace("_", " ")
    )


def frontier_figure(model: ComputeFrontier, untrained: ComputeFrontier) -> "Figure":
    """Draw the steps seen when the choice is read out after each layer."""
    seen = np.array(model.steps_seen)
    curves = [
        LayerCurve(name="untrained", values=np.array(untrained.steps_seen)[:, 0], style=(0, (4, 2))),
        LayerCurve(name="model", values=seen[:, 0], low=seen[:, 1], high=seen[:, 2], colour="blue", bold=True),
    ]
    return layer_curves(curves, names=layer_names(len(seen)), label="steps seen ahead", width=WIDTH / 2, height=2.9)


def sensitivity_figure(sensitivity: LogitSensitivity) -> "Figure":
    """Draw the change of the logit difference by layer, one line for each depth of the change."""
    chosen = np.unique(np.linspace(0, len(sensitivity.depths) - 1, _MOST_DEPTHS).round().astype(int))
    curves = [
        LayerCurve(
            name=f"K = {sensitivity.depths[place]}",
            values=sensitivity.by_layer[:, place],
            colour=f"ramp-{level}",
            bold=True,
        )
        for place, level in zip(chosen, np.linspace(8, 20, len(chosen)).round().astype(int), strict=True)
    ]
    return layer_curves(
        curves,
        names=layer_names(len(sensitivity.layers)),
        label="change of the logit difference",
        width=WIDTH / 2,
        height=2.9,
    )
