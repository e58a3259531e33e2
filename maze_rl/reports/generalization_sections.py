"""The sections on single steps, look-ahead, loops, other algorithms and matched mazes.

Each is empty where it was not measured.
"""

from maze_rl.evaluation.results import EvaluationResult
from maze_rl.reports.content import Section, Statement
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.generalization_readings import (
    algorithms_reading,
    look_ahead_reading,
    loops_reading,
    steps_headline,
    steps_reading,
)
from maze_rl.reports.generalization_tables import algorithm_table, look_ahead_table, loop_table, step_table
from maze_rl.reports.heat_maps import step_heat_map
from maze_rl.reports.loop_figures import success_by_loops
from maze_rl.reports.matched import matched_comparisons, matched_reading, matched_table

_STEPS = Statement(
    "A walk is right only if all its steps are. Here each step is asked by itself, from cells drawn at random: does "
    "the most likely next cell lie on a shortest path?"
)
_LOOPS = Statement(
    "The model applies one block of layers again and again. Here it walks the same mazes with the block applied fewer "
    "or more times: what it learned to repeat goes on working, or does not."
)
_LOOK_AHEAD = Statement(
    "A fork asks for as many steps of look-ahead as it takes to reach the target or to see every wrong way end. A "
    "model that searches to a limited depth is right up to that many steps and guesses beyond."
)
_MATCHED = Statement(
    "Larger mazes have longer paths, and mazes with more open edges shorter ones. Here one of these differs and what "
    "goes along with it is held equal."
)
_POINTS = Statement("Filled points: sizes seen in training; hollow: not.")


def step_section(evaluation: EvaluationResult, prefix: str, gallery: Gallery, run: str | None) -> list[Section]:
    """Return the section on single steps by distance to the target."""
    if not evaluation.steps_by_distance:
        return []
    picture = gallery.picture(
        step_heat_map(evaluation),
        name=f"{prefix}steps-by-distance",
        title="Single steps by size and distance to the target",
        alt="Heat map: share of single steps that are right in % and number of steps, by size and distance.",
        reading=steps_reading(evaluation),
    )
    return [
        Section(
            name=f"{prefix}steps",
            title="Single steps by distance to the target",
            lead=_STEPS + steps_headline(evaluation),
            pictures=[picture],
            tables=[step_table(evaluation)],
            run=run,
        )
    ]


def look_ahead_section(evaluation: EvaluationResult, prefix: str, run: str | None) -> list[Section]:
    """Return the section on the effective look-ahead by size."""
    rows = evaluation.by_look_ahead
    if not rows:
        return []
    return [
        Section(
            name=f"{prefix}look-ahead",
            title="How far ahead it looks",
            lead=_LOOK_AHEAD + look_ahead_reading(rows),
            tables=[look_ahead_table(rows)],
            run=run,
        )
    ]


def loop_section(evaluation: EvaluationResult, prefix: str, gallery: Gallery, run: str | None) -> list[Section]:
    """Return the section on the number of loops, for a model that has them."""
    if not evaluation.by_loops:
        return []
    picture = gallery.picture(
        success_by_loops(evaluation.by_loops),
        name=f"{prefix}success-by-loops",
        title="Success by number of loops",
        alt="Share of mazes walked along a shortest path, by number of loops, one line per size. The table below has "
        "the numbers.",
        reading=loops_reading(evaluation.by_loops),
    )
    return [
        Section(
            name=f"{prefix}loops",
            title="More or fewer loops",
            lead=_LOOPS + _POINTS if evaluation.training_sizes else _LOOPS,
            pictures=[picture],
            tables=[loop_table(evaluation.by_loops)],
            run=run,
        )
    ]


def algorithm_section(evaluation: EvaluationResult, prefix: str, run: str | None) -> list[Section]:
    """Return the section on mazes of other algorithms."""
    rows = evaluation.by_algorithm
    if not rows:
        return []
    return [
        Section(
            name=f"{prefix}algorithms",
            title="Mazes of other algorithms",
            lead=algorithms_reading(rows),
            tables=[algorithm_table(rows)],
            run=run,
        )
    ]


def matched_section(evaluation: EvaluationResult, prefix: str, run: str | None) -> list[Section]:
    """Return the section that tells size, length and edges apart."""
    found = matched_comparisons(evaluation)
    if not found:
        return []
    return [
        Section(
            name=f"{prefix}matched",
            title="Size, length and edges told apart",
            lead=_MATCHED + matched_reading(found),
            tables=[matched_table(found)],
            run=run,
        )
    ]
