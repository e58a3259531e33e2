"""The section on larger mazes: which cells are right in the end, by the look-ahead they need."""

from maze_rl.reports.content import Section, Statement
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.loops.measures import range_text, right_by_look_ahead
from maze_rl.reports.search.search_result import LoopSearchResult
from maze_rl.reports.search.stated import sentence
from maze_rl.reports.study_figures import curves_figure


def size_section(result: LoopSearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    rates = {side: right_by_look_ahead(each, result.setting.seed) for side, each in result.battery.larger.items()}
    ranges = sorted({steps for each in rates.values() for steps in each})
    places = {steps: place for place, steps in enumerate(ranges)}
    curves = {f"{side}×{side}": {places[steps]: rate for steps, rate in each.items()} for side, each in rates.items()}
    picture = gallery.picture(
        curves_figure(
            curves,
            labels=("look-ahead, steps", "cells right in the end"),
            ticks={place: range_text(steps) for steps, place in places.items()},
        ),
        name="larger",
        title="Cells of larger mazes",
        alt="Share of cells right after the last loop, by the look-ahead they need, for several sizes of mazes.",
        reading=breaking_reading(result),
    )
    return Section(name="larger", title="Larger mazes", pictures=[picture])


def breaking_reading(result: LoopSearchResult) -> Statement:
    """State what becomes of the farthest cells of the largest mazes."""
    side = max(result.battery.larger)
    rates = right_by_look_ahead(result.battery.larger[side], result.setting.seed)
    near, far = min(rates), max(rates)
    return sentence(
        "At {side}×{side} cells that need {near} steps are right in {near_rate} of cases in the end, those that need "
        "{far} in {far_rate}.",
        side=side,
        near=range_text(near),
        near_rate=rates[near],
        far=range_text(far),
        far_rate=rates[far],
    )
