"""The section on behaviour: what the choices show without a look inside."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.interp.battery import Battery
from maze_rl.interp.behaviour.flip_rate import FAR, FlipRates
from maze_rl.interp.behaviour.look_ahead import LookAhead
from maze_rl.interp.behaviour.rule_exclusion import RuleExclusion
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.intervals import num_clusters
from maze_rl.reports.content import Column, Picture, Section, Statement, Table
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.behaviour_figures import (
    flip_figure,
    frontier_figure,
    look_ahead_figure,
    rule_name,
    rules_figure,
    sensitivity_figure,
)
from maze_rl.reports.search.search_result import SearchResult
from maze_rl.reports.search.search_tables import LAYOUTS
from maze_rl.reports.search.stated import decimal, estimate, is_known, paragraph, sentence, shown_rate

_SELECTED = Statement(
    f"The mazes of look-ahead, rules and steps seen are selected: each has a fork that needs a look-ahead k* of {FAR} "
    "or more and at which Manhattan greedy is wrong. Rates over them are not those over all mazes."
)


def behaviour_section(result: SearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    battery = result.battery
    card, curve = battery.scorecard, battery.curve
    decisions = result.materials.decisions
    mazes, with_forks = layouts_by_look_ahead(decisions), _layouts_of_mazes(decisions.take(decisions.is_fork))
    pictures: list[Picture] = []
    if battery.flips.solved.any():
        pictures.append(
            gallery.picture(
                flip_figure(battery.flips),
                name="flips",
                title="Does the choice follow one changed edge?",
                alt="Rate of right flips and of false flips by depth of the change.",
                reading=flip_reading(battery.flips, card.flips),
            )
        )
    if curve.steps:
        pictures.append(
            gallery.picture(
                look_ahead_figure(battery, shown_curve(curve, mazes)),
                name="look-ahead",
                title="Right choices by the look-ahead they need",
                alt="Rate of right choices by needed look-ahead, with curves of ideal look-ahead.",
                reading=look_ahead_reading(curve),
            )
        )
    pictures.append(
        gallery.picture(
            rules_figure(card.rules, with_forks),
            name="rules",
            title="Which simple rule it resembles",
            narrow=True,
            alt="How often the model's choice is a pick of each simple rule; ticks: how often the rule is right.",
            reading=rules_reading(card.rules),
        )
    )
    if is_known(card.frontier.finding.effect):
        pictures.append(
            gallery.picture(
                frontier_figure(card.frontier, battery.untrained.frontier),
                name="compute-frontier",
                title="Steps seen, layer by layer",
                narrow=True,
                alt="Steps seen ahead when the choice is read out after each layer, with the untrained control.",
                reading=frontier_reading(battery),
            )
        )
    pictures.append(
        gallery.picture(
            sensitivity_figure(battery.sensitivity),
            name="sensitivity",
            title="Change of the logit difference",
            alt="Change of the logit difference between clean and flipped maze after each layer, by depth.",
            reading=sensitivity_reading(battery),
            narrow=True,
        )
    )
    flips = [] if battery.flips.solved.any() else [flip_reading(battery.flips, card.flips)]
    lead = paragraph(_SELECTED, *flips, *_unmeasured(battery))
    tables = [_flip_table(battery.flips), _curve_table(curve, mazes), _rule_table(card.rules, with_forks)]
    return Section(name="behaviour", title="Behaviour", lead=lead, pictures=pictures, tables=tables)


def _unmeasured(battery: Battery) -> list[Statement]:
    frontier = battery.scorecard.frontier.finding
    if is_known(frontier.effect):
        return []
    return [
        sentence(
            "The steps seen by layer (S4) could not be measured: only {mazes} mazes ({layouts} layouts) have a fork "
            "where the nearest cell is the wrong one.",
            mazes=frontier.num_mazes,
            layouts=frontier.num_layouts,
        )
    ]


def flip_reading(flips: FlipRates, judged: FlipRates) -> Statement:
    """State how the choices follow changes at any depth, and those that are far, on pairs of their own."""
    solved = sentence(
        "{solved} of {pairs} pairs with a change at any depth are solved in the clean maze.",
        solved=int(flips.solved.sum()),
        pairs=len(flips.solved),
    )
    if not flips.solved.any():
        return solved + Statement("There is no flip to count.")
    near = flips.solved & (flips.depth < flips.far)
    if near.any():
        solved += sentence(
            "Of the {num_near} with a change less than {far} steps away, {near_rate:.0%} follow it.",
            num_near=int(near.sum()),
            far=flips.far,
            near_rate=float(flips.flips[near].mean()),
        )
    return (
        solved
        + sentence(
            "S1 is judged on pairs of its own, {far_steps} or more steps away: false flips subtracted, {s1}.",
            far_steps=judged.far,
            s1=judged.finding.effect,
        )
        + s1_pairs_reading(judged)
    )


def s1_pairs_reading(judged: FlipRates) -> Statement:
    """State which pairs S1 is taken over: those solved in the clean maze, or all where these are too few."""
    solved = int((judged.solved & (judged.depth >= judged.far)).sum())
    values = {"s1_mazes": judged.finding.num_mazes, "s1_pairs": len(judged.solved), "s1_solved": solved}
    if solved >= FEWEST_MAZES:
        return sentence(
            "S1 stands on the {s1_solved} of {s1_pairs} far pairs that are solved in the clean maze.", **values
        )
    return sentence(
        "S1 stands on all {s1_mazes} far pairs, solved or not, as only {s1_solved} are solved in the clean maze.",
        **values,
    )


def look_ahead_reading(curve: LookAhead) -> Statement:
    """State how far ahead the choices depend on."""
    fit = curve.joint
    if fit.where == "within":
        found = sentence("The fitted look-ahead is {ahead:.1f} steps", ahead=fit.look_ahead)
        rest = sentence(
            "; where it does not see far enough, it goes by Manhattan distance with weight {fallback:.2f}.",
            fallback=fit.fallback,
        )
        found = Statement(found.template + rest.template, {**found.values, **rest.values})
    elif fit.where == "below":
        found = Statement("The curve is low throughout: it fits no look-ahead within the data.")
    elif fit.where == "greedy":
        found = Statement(
            "The curve is neither low nor high: Manhattan distance explains the choices, as far as these mazes tell."
        )
    else:
        found = Statement("The curve is high throughout: look-ahead reaches beyond what these mazes need.")
    return found + sentence(
        "The area under it is {seen:.1f} steps. Grey: ideal agents that see so many steps on the same forks and beyond "
        "that go by Manhattan distance.",
        seen=curve.steps_seen,
    )


def rules_reading(rules: RuleExclusion) -> Statement:
    """State which rule the model is most like, and whether rules may explain it."""
    alike, hardest = rules.most_alike, rules.hardest
    found = sentence(
        "Most like: {rule}, in {agreement:.0%} of forks; that rule is right in {right:.0%} (ticks).",
        rule=rule_name(alike.name),
        agreement=float(alike.agreement.value),
        right=float(alike.rule_right.value),
    )
    if hardest is None:
        return found + Statement("No rule is wrong in enough mazes to be excluded.")
    return found + sentence(
        "Least skill where a rule is wrong: {skill}, against {hardest}.",
        skill=hardest.skill,
        hardest=rule_name(hardest.name),
    )


def frontier_reading(battery: Battery) -> Statement:
    """State how the steps seen grow."""
    frontier = battery.scorecard.frontier
    seen = [each.value for each in frontier.steps_seen]
    return sentence(
        "From {first:.1f} steps after the embedding to {last:.1f} after the last layer; S4, the growth from the first "
        "to the last third of the layers with the largest rise left out, is {s4}. Rank correlation with the layer: "
        "{trend}.",
        first=float(seen[0]),
        last=float(seen[-1]),
        s4=frontier.finding.effect,
        trend=frontier.trend,
    )


def sensitivity_reading(battery: Battery) -> Statement:
    """State whether far changes count less."""
    sensitivity = battery.sensitivity
    return sentence(
        "All pairs, in units of the final logit differences: at the end, {nearest} at K = {near} and {farthest} at "
        "K = {far}. Slope over K: {slope:.3f}.",
        nearest=float(sensitivity.by_layer[-1, 0]),
        near=sensitivity.depths[0],
        farthest=float(sensitivity.by_layer[-1, -1]),
        far=sensitivity.depths[-1],
        slope=sensitivity.slope,
    )


def _flip_table(flips: FlipRates) -> Table:
    columns = [
        Column(key="depth", title="K", kind="count", about="steps from the fork to the change"),
        Column(key="pairs", title="pairs", kind="count"),
        Column(key="solved", title="solved", kind="count", about="right in the clean maze"),
        LAYOUTS,
        Column(key="flips", title="follows, %", kind="percent"),
        Column(key="leaves", title="false flips, %", kind="percent", about="another edge changed, choice left"),
    ]
    rows = [
        {
            "depth": depth,
            "pairs": int((flips.depth == depth).sum()),
            "solved": flips.num_solved(depth),
            "layouts": flips.num_layouts(depth),
            "flips": estimate(flips.flip_rate(depth), flips.num_solved(depth)),
            "leaves": estimate(flips.false_flip_rate(depth), flips.num_solved(depth)),
        }
        if flips.num_solved(depth)
        else {
            "depth": depth,
            "pairs": int((flips.depth == depth).sum()),
            "solved": 0,
            "layouts": 0,
            "flips": None,
            "leaves": None,
        }
        for depth in flips.depths
    ]
    return Table(name="flips", caption="Flips by depth of the change.", columns=columns, rows=rows, folded=True)


def layouts_by_look_ahead(decisions: Decisions) -> dict[int, Int64[ndarray, " maze"]]:
    """Return the layouts of the mazes that have a fork of each k*."""
    forks = decisions.take(decisions.is_fork)
    return {int(k): _layouts_of_mazes(forks.take(forks.look_ahead == k)) for k in np.unique(forks.look_ahead)}


def _layouts_of_mazes(decisions: Decisions) -> Int64[ndarray, " maze"]:
    """Return the layout of each maze that has a decision."""
    return layouts_of(decisions.batch)[np.unique(decisions.maze)]


def shown_curve(curve: LookAhead, mazes: Mapping[int, Int64[ndarray, " maze"]]) -> LookAhead:
    """Return the curve with the intervals that may be shown; `mazes` holds the layouts by k*."""
    rates = zip(curve.steps, curve.right_rate, strict=True)
    return replace(curve, right_rate=tuple(shown_rate(rate, len(mazes[k]), mazes[k]) for k, rate in rates))


def _curve_table(curve: LookAhead, mazes: Mapping[int, Int64[ndarray, " maze"]]) -> Table:
    columns = [
        Column(key="k", title="k*", kind="count"),
        Column(key="forks", title="forks", kind="count"),
        Column(key="mazes", title="mazes", kind="count"),
        replace(LAYOUTS, about=f"{LAYOUTS.about}; under {FEWEST_MAZES} no interval is given"),
        Column(key="right", title="right, %", kind="percent"),
    ]
    rows = [
        {
            "k": k,
            "forks": num,
            "mazes": len(mazes[k]),
            "layouts": num_clusters(mazes[k]),
            "right": estimate(rate, len(mazes[k])),
        }
        for k, num, rate in zip(curve.steps, curve.num_forks, shown_curve(curve, mazes).right_rate, strict=False)
    ]
    return Table(name="look_ahead", caption="Right choices at forks.", columns=columns, rows=rows, folded=True)


def _rule_table(rules: RuleExclusion, with_forks: Int64[ndarray, " maze"]) -> Table:
    columns = [
        Column(key="rule", title="rule"),
        Column(key="agreement", title="agreement, %", kind="percent"),
        Column(key="right", title="rule is right, %", kind="percent"),
        Column(key="skill", title="skill where the rule is wrong", kind="decimal", about="0 draws, 1 is always right"),
        Column(key="mazes", title="mazes", kind="count", about="with a far fork where the rule is wrong"),
        LAYOUTS,
    ]
    num = len(with_forks)
    rows = [
        {
            "rule": rule_name(rule.name),
            "agreement": estimate(shown_rate(rule.agreement, num, with_forks), num),
            "right": decimal(np.float64(rule.rule_right.value)),
            "skill": estimate(rule.skill, rule.num_mazes),
            "mazes": rule.num_mazes,
            "layouts": rule.num_layouts,
        }
        for rule in rules.rules
    ]
    return Table(name="rules", caption="Simple rules.", columns=columns, rows=rows, folded=True)
