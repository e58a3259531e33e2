"""The section on causal use: neighbours in another maze's state, a cell in the target's, a maze that changes."""

from maze_rl.reports.content import Picture, Section, Statement
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.loops.measures import change_followed, range_text, second_source
from maze_rl.reports.search.search_result import LoopSearchResult
from maze_rl.reports.search.search_tables import finding_table
from maze_rl.reports.search.stated import is_known, sentence
from maze_rl.reports.study_figures import curves_figure

_DRAWN = (2, 8)
"""Loops after which the second source is drawn."""


def loop_causal_section(result: LoopSearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    findings = {"neighbours' states": result.battery.neighbours.finding}
    return Section(
        name="causal-use",
        title="Causal use",
        lead=swap_reading(result),
        pictures=[_second_source(result, gallery), _change(result, gallery)],
        tables=[finding_table("causal", "What S3 is from.", findings)],
    )


def _second_source(result: LoopSearchResult, gallery: Gallery) -> Picture:
    transplants, seed = result.battery.transplants, result.setting.seed
    given, control = (second_source(transplants, seed, control=each) for each in (False, True))
    drawn = [later for later in _DRAWN if later in given] or list(given)[:1]
    curves = {
        f"{'control, ' * is_control}{later} loops later": {high: rate for (_, high), rate in rows[later].items()}
        for is_control, rows in ((False, given), (True, control))
        for later in drawn
    }
    return gallery.picture(
        curves_figure(
            curves,
            labels=("steps from the cell, at most", "cells that go to it"),
            grey=[name for name in curves if name.startswith("control")],
        ),
        name="second-source",
        title="One cell in the target's state",
        alt="Share of cells that go to the cell whose state was set, by steps from it, beside the control.",
        reading=_source_reading(result),
    )


def _change(result: LoopSearchResult, gallery: Gallery) -> Picture:
    change = change_followed(result.battery.change, result.setting.seed)
    by_range = sorted({steps for rates in change.values() for steps in rates})
    travel = {
        f"{range_text(steps)} steps": {later: rates[steps] for later, rates in change.items() if steps in rates}
        for steps in by_range
    }
    return gallery.picture(
        curves_figure(travel, labels=("loops after the change", "cells right in the new maze")),
        name="change",
        title="A maze that changes after all loops",
        alt="Share of cells that are right in the new maze, by loops after the change and steps from it.",
        reading=Statement(
            "After all loops one edge closes and another opens; what cells hold stays. Counted are cells from which "
            "the two mazes demand different moves."
        ),
    )


def swap_reading(result: LoopSearchResult) -> Statement:
    """State whether a fork follows what its neighbours hold."""
    found = result.battery.neighbours
    into = "mazes that the model solves" if found.solved else "mazes whose answer is another, as it solves too few"
    return sentence(
        "The neighbours of a fork are held, loop by loop, in the states that another maze with the same fork and "
        "target left there: the fork takes the step that its own open sides and those states demand together, which "
        "neither maze demands alone, in {iia} of {pairs} {into}; with the states of a third maze in {other}, with what "
        "one loop knows in {around}.",
        iia=found.iia,
        pairs=found.num_pairs,
        into=into,
        other=found.other_maze,
        around=found.looked_around,
    )


def _source_reading(result: LoopSearchResult) -> Statement:
    seed, transplants = result.setting.seed, result.battery.transplants
    given, control = (second_source(transplants, seed, control=each) for each in (False, True))
    told = sentence(
        "After {loop} loops the state of one cell far from the target is replaced, once, by the target's; in the "
        "control by another far cell's. Counted are cells where the ways to the two are different moves.",
        loop=transplants.loop,
    )
    later = next((each for each in (4, 2, 1) if each in given), None)
    near = (2, 2)
    if later is None or near not in given[later] or not is_known(given[later][near]):
        return told
    return told + sentence(
        "{later} loops later {share} of those two steps from it go to it, {control} in the control.",
        later=later,
        share=given[later][near],
        control=control[later][near],
    )
