"""Puts a report together: which figure, table and sentence stands where."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from maze_rl.reports.comparison_readings import (
    comparison_headline,
    comparison_reading,
    lengths_reading,
    sizes_reading,
    trainings_reading,
)
from maze_rl.reports.content import NOTHING, Picture, Report, Section, Statement, Tile
from maze_rl.reports.dice_figures import dice_panels, read_rolls
from maze_rl.reports.error_figures import first_errors, hazard
from maze_rl.reports.example_figures import choose_examples, example_gallery, outcome_counts
from maze_rl.reports.failure_readings import (
    decision_reading,
    first_error_reading,
    hazard_reading,
    training_reading,
)
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.generalization_readings import headline
from maze_rl.reports.generalization_sections import (
    algorithm_section,
    look_ahead_section,
    loop_section,
    matched_section,
    step_section,
)
from maze_rl.reports.heat_maps import heat_map
from maze_rl.reports.limits import few_layouts, limits
from maze_rl.reports.loss_kinds import kinds_of_rows
from maze_rl.reports.plugin_readings import dice_reading
from maze_rl.reports.pooling import error_counts, pool, split_rate
from maze_rl.reports.rate_lines import run_colour
from maze_rl.reports.reproduction import reproduction_section
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.run_tables import first_error_table, setup_table, shared_table
from maze_rl.reports.settings import settings_section
from maze_rl.reports.success_figures import success_by_length, success_by_size
from maze_rl.reports.success_readings import grid_reading, length_reading, size_reading, sizes_text
from maze_rl.reports.success_tables import (
    baseline_table,
    comparison_table,
    decision_table,
    grid_table,
    length_table,
    size_table,
)
from maze_rl.reports.training_figures import training_curves
from maze_rl.reports.vector_graphics import css_identifier, figure_style

_WALKS = Statement(
    "Every maze is walked once, greedily; a walk succeeds if it takes a shortest path (any of them) and stops at the "
    "target."
)
_POINTS = Statement("Filled points: seen in training; hollow: not.")
_SOME_POINTS = Statement("Filled points: seen in training, or not known; hollow: not seen.")
_MEANING = Statement(
    "Bars and bands: 95% intervals over layouts (mazes with the same walls up to rotation and reflection count "
    "together). Grey: baselines on the same mazes. Look-ahead L is an ideal agent that sees L steps ahead and beyond "
    "that goes by Manhattan distance."
)
_NO_LOG = "There is no training log beside {names} (a run keeps one, metrics.jsonl), so no training curves are shown."

_UNLIKE = Statement(
    "Losses of unlike kinds (per token of other tokens, per pair of paths in a game, per whole path) have no common "
    "scale: each kind has a panel of its own."
)


def build_report(runs: Sequence[RunSummary], folder: str | PathLike[str]) -> Report:
    """Build the report on `runs`, writing the PNG figures into `folder`."""
    folder = Path(folder)
    gallery = Gallery(folder)
    prefixes = _prefixes(runs)
    several = len(runs) > 1
    with figure_style():
        sections, training = _shared_sections(runs, gallery), _training_sections(runs, prefixes, gallery)
        if several:
            sections += training
        for run, prefix in zip(runs, prefixes, strict=True):
            own = _run_sections(run, prefix, gallery, runs)
            if not several:
                own += [*settings_section(run), *training]
            own.append(reproduction_section(run, f"{prefix}reproduction", runs))
            sections += [replace(section, prefix=prefix) for section in own]
    sections.append(Section(name="limits", title="What this does not show", points=limits(runs)))
    title = f"{len(runs)} runs side by side" if several else runs[0].name
    return Report(
        title=title,
        headline=comparison_headline(runs) if several else headline(runs[0]),
        tiles=() if several else _tiles(runs[0]),
        setup=setup_table(runs),
        sections=sections,
    )


def _prefixes(runs: Sequence[RunSummary]) -> list[str]:
    """Return what the names of each run's figures start with; unique, and empty for a single run."""
    if len(runs) == 1:
        return [""]
    return [f"run{number}-{css_identifier(run.name)[:24]}-" for number, run in enumerate(runs, 1)]


def _tiles(run: RunSummary) -> list[Tile]:
    rate = split_rate(run.evaluation, lambda row: row.shortest)
    forks = [(row.size, row.fork_accuracy) for row in run.evaluation.teacher_forced if row.fork_accuracy]
    by_size = [
        Tile(label="shortest path, trained sizes", value=rate.inside, kind="percent", note=_sizes_note(run, True)),
        Tile(label="shortest path, other sizes", value=rate.outside, kind="percent", note=_sizes_note(run, False)),
    ]
    if not run.evaluation.training_sizes:
        every = pool([row.shortest for row in run.evaluation.rows])
        by_size = [Tile(label="shortest path, all sizes", value=every, kind="percent", note=_sizes_note(run, None))]
    leaked = Tile(label="leaked mazes", value=run.leak_count, kind="count", note="seen in training, not of its split")
    return [
        *by_size,
        Tile(
            label=f"right at forks, size {forks[-1][0]}" if forks else "right at forks",
            value=forks[-1][1] if forks else None,
            kind="percent",
            note=f"of {forks[-1][1].num:,} decisions" if forks else "none was asked for",
        ),
        *([] if run.leak_count is None else [leaked]),
    ]


def _sizes_note(run: RunSummary, inside: bool | None) -> str:
    """Say which sizes a pooled rate is about."""
    sizes = [row.size for row in run.evaluation.rows if row.in_training_range == inside]
    num = sum(row.num for row in run.evaluation.rows if row.in_training_range == inside)
    if not sizes:
        return "none was tested"
    return f"of {num:,} mazes of {'size' if len(sizes) == 1 else 'sizes'} {sizes_text(sizes)}"


def _points(runs: Sequence[RunSummary]) -> Statement:
    """Say what filled and hollow points are, where some sizes are known to be of training and some not to be."""
    known = [bool(run.evaluation.training_sizes) for run in runs]
    return _POINTS if all(known) else _SOME_POINTS if any(known) else NOTHING


def _shared_sections(runs: Sequence[RunSummary], gallery: Gallery) -> list[Section]:
    several = len(runs) > 1
    first = runs[0].evaluation
    by_size = gallery.picture(
        success_by_size(runs),
        name="success-by-size",
        title="Success by maze size",
        alt="Share of mazes walked along a shortest path, by maze size, with baselines. The table below has the "
        "numbers.",
        reading=sizes_reading(runs) if several else size_reading(first),
    )
    by_length = gallery.picture(
        success_by_length(runs),
        name="success-by-length",
        title="Success by path length",
        alt="Share of mazes walked along a shortest path, by length of that path. The table below has the numbers.",
        reading=lengths_reading(runs) if several else length_reading(first),
    )
    sections = (
        [
            Section(
                name="comparison",
                title="Comparison",
                lead=comparison_reading(runs),
                tables=[comparison_table(runs), shared_table(runs)],
            )
        ]
        if several
        else []
    )
    return [
        *sections,
        Section(
            name="size",
            title="Success by maze size",
            lead=few_layouts(runs) + _WALKS + _points(runs) + _MEANING,
            pictures=[by_size],
            tables=[] if several else [size_table(first), baseline_table(first)],
        ),
        Section(
            name="length",
            title="Success by path length",
            pictures=[by_length],
            tables=[] if several else [length_table(first)],
        ),
    ]


def _run_sections(run: RunSummary, prefix: str, gallery: Gallery, runs: Sequence[RunSummary]) -> list[Section]:
    several = len(runs) > 1
    evaluation, name = run.evaluation, run.name if several else None
    heat = gallery.picture(
        heat_map(evaluation),
        name=f"{prefix}heat-map",
        title="Success by size and path length",
        alt="Heat map: share of shortest paths in % and number of mazes, by size and path length.",
        reading=grid_reading(evaluation),
    )
    own_tables = [size_table(evaluation), baseline_table(evaluation), length_table(evaluation)] if several else []
    sections = [
        Section(
            name=f"{prefix}grid",
            title="Size and path length together",
            pictures=[heat],
            tables=[*own_tables, grid_table(evaluation)],
            run=name,
        ),
        *matched_section(evaluation, prefix, name),
        *step_section(evaluation, prefix, gallery, name),
        *look_ahead_section(evaluation, prefix, name),
        *loop_section(evaluation, prefix, gallery, name),
        *algorithm_section(evaluation, prefix, name),
        Section(
            name=f"{prefix}decisions",
            title="Single decisions",
            lead=decision_reading(evaluation),
            tables=[decision_table(evaluation)],
            run=name,
        ),
        Section(
            name=f"{prefix}errors",
            title="First errors",
            pictures=_error_pictures(run, prefix, gallery, runs),
            tables=[first_error_table(evaluation)],
            run=name,
        ),
    ]
    if evaluation.examples:
        sections.append(_example_section(run, prefix, gallery, name))
    return sections


def _error_pictures(run: RunSummary, prefix: str, gallery: Gallery, runs: Sequence[RunSummary]) -> list[Picture]:
    evaluation = run.evaluation
    kinds = list(error_counts([each.evaluation for each in runs]))  # of all runs: every legend of the page is the same
    return [
        gallery.picture(
            first_errors(evaluation, kinds),
            name=f"{prefix}first-errors",
            title="How rollouts first go wrong",
            alt="Stacked bars: share of rollouts by kind of first error, by size.",
            reading=first_error_reading(evaluation),
            narrow=True,
        ),
        gallery.picture(
            hazard(evaluation, run_colour([each is run for each in runs].index(True))),
            name=f"{prefix}hazard",
            title="When rollouts first go wrong",
            alt="Chance of a first error per step, by steps from the origin, with 95% bands.",
            reading=hazard_reading(evaluation),
            narrow=True,
        ),
    ]


def _example_section(run: RunSummary, prefix: str, gallery: Gallery, name: str | None) -> Section:
    examples = choose_examples(run.evaluation.examples)
    counts = outcome_counts(examples)
    reading = Statement(
        "Above each: size, length of the shortest path, first wrong step. Grey band: a shortest path. Blue: the "
        "model's path; orange from its first wrong step, a cross where it ended elsewhere than at the target. Ring: "
        "origin; square: target. "
        + ("Chosen to show both kinds, not in proportion: " if {*counts} > {"right"} else "Chosen: ")
        + "; ".join(f"{{count_{index}}} {{name_{index}}}" for index in range(len(counts)))
        + ".",
        {f"name_{index}": kind for index, kind in enumerate(counts)}
        | {f"count_{index}": count for index, count in enumerate(counts.values())},
    )
    picture = gallery.picture(
        example_gallery(examples),
        name=f"{prefix}examples",
        title="Example mazes",
        alt="Mazes with a shortest path and the path the model walked.",
        reading=reading,
    )
    return Section(name=f"{prefix}gallery", title="Examples", pictures=[picture], run=name)


def _training_sections(runs: Sequence[RunSummary], prefixes: Sequence[str], gallery: Gallery) -> list[Section]:
    several = len(runs) > 1
    without = [run.name for run in runs if not run.metrics]
    missing = Statement(_NO_LOG, {"names": ", ".join(without)}) if without else NOTHING
    if len(without) == len(runs):
        return [Section(name="training", title="Training", lead=missing)]
    picture = gallery.picture(
        training_curves(runs),
        name="training",
        title="Training curves",
        alt="Loss, validation, learning rate and gradient norm by optimizer step; each kind of loss has a panel.",
        reading=trainings_reading(runs) if several else training_reading(runs[0]),
    )
    unlike = _UNLIKE if len({kind for run in runs for kind in kinds_of_rows(run.config, run.metrics)}) > 1 else NOTHING
    rolled = [
        each
        for run, prefix in zip(runs, prefixes, strict=True)
        for each in _dice_pictures(run, prefix, gallery, several)
    ]
    return [Section(name="training", title="Training", lead=missing + unlike, pictures=[picture, *rolled])]


def _dice_pictures(run: RunSummary, prefix: str, gallery: Gallery, several: bool) -> list[Picture]:
    """Draw what the dice did, one figure for every kind of loss they fell on; other update rules throw none."""
    kinds = {kind: rows for kind, rows in kinds_of_rows(run.config, run.metrics).items() if len(read_rolls(rows).steps)}
    return [
        gallery.picture(
            dice_panels(rows, loss=kind.title),
            name=f"{prefix}dice" if place == 0 else f"{prefix}dice-{place + 1}",
            title="What the dice did"
            + (f": {run.name}" if several else "")
            + (f" ({kind.name})" if len(kinds) > 1 else ""),
            alt="Loss before the roll, loss after it, validation loss, by step.",
            reading=dice_reading(rows),
        )
        for place, (kind, rows) in enumerate(kinds.items())
    ]
