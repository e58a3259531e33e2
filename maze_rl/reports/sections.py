"""Puts a report together: which figure, table and sentence stands where."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maze_rl.reports.content import NOTHING, Picture, Report, Section, Statement, Tile
from maze_rl.reports.error_figures import first_errors, hazard
from maze_rl.reports.example_figures import choose_examples, example_gallery, outcome_counts
from maze_rl.reports.failure_readings import (
    decision_reading,
    first_error_reading,
    hazard_reading,
    training_reading,
)
from maze_rl.reports.limits import limits
from maze_rl.reports.pooling import split_rate
from maze_rl.reports.reproduction import reproduction_section
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.run_tables import first_error_table, setup_table
from maze_rl.reports.success_figures import heat_map, success_by_length, success_by_size
from maze_rl.reports.success_readings import (
    comparison_reading,
    grid_reading,
    headline,
    length_reading,
    size_reading,
)
from maze_rl.reports.success_tables import (
    baseline_table,
    comparison_table,
    decision_table,
    grid_table,
    length_table,
    size_table,
)
from maze_rl.reports.training_figures import training_curves
from maze_rl.reports.vector_graphics import css_identifier, figure_style, inline_svg, save_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Gallery:
    """Turns figures into pictures: an SVG for the page, and a PNG in the report's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def picture(
        self, figure: "Figure", *, name: str, title: str, alt: str, reading: Statement = NOTHING, narrow: bool = False
    ) -> Picture:
        """Save `figure` and return it with what is said about it; `name` becomes its id and file name."""
        save_png(figure, self._folder / f"{name}.png")
        svg = inline_svg(figure, name, f"{title}. {alt}")
        return Picture(name=name, title=title, alt=alt, reading=reading, svg=svg, png=f"{name}.png", narrow=narrow)


def build_report(runs: Sequence[RunSummary], folder: Path) -> Report:
    """Build the report on `runs`, writing the PNG figures into `folder`."""
    gallery = Gallery(folder)
    prefixes = _prefixes(runs)
    several = len(runs) > 1
    with figure_style():
        sections = _shared_sections(runs, gallery)
        for run, prefix in zip(runs, prefixes, strict=True):
            sections += _run_sections(run, prefix, gallery, several)
        sections.append(_training_section(runs, gallery))
    sections += [
        reproduction_section(run, f"{prefix}reproduction", several) for run, prefix in zip(runs, prefixes, strict=True)
    ]
    sections.append(Section(name="limits", title="What this does not show", points=limits(runs)))
    title = f"{len(runs)} runs side by side" if several else runs[0].name
    return Report(title=title, headline=comparison_reading(runs) if several else headline(runs[0]),
                  tiles=() if several else _tiles(runs[0]), setup=setup_table(runs), sections=sections)  # fmt: skip


def _prefixes(runs: Sequence[RunSummary]) -> list[str]:
    """Return what the names of each run's figures start with; unique, and empty for a single run."""
    if len(runs) == 1:
        return [""]
    return [f"run{number}-{css_identifier(run.name)[:24]}-" for number, run in enumerate(runs, 1)]


def _tiles(run: RunSummary) -> list[Tile]:
    rate = split_rate(run.evaluation, lambda row: row.shortest)
    forks = [row.fork_accuracy for row in run.evaluation.teacher_forced if row.fork_accuracy]
    return [
        Tile(label="shortest path, trained sizes", value=rate.inside, kind="percent", note="% of mazes"),
        Tile(label="shortest path, other sizes", value=rate.outside, kind="percent", note="% of mazes"),
        Tile(label=f"right at forks, size {run.evaluation.teacher_forced[-1].size}" if forks else "right at forks",
             value=forks[-1] if forks else None, kind="percent", note="% of decisions"),
        Tile(label="leaked mazes", value=run.leak_count, kind="count", note="seen in training, not of its split"),
    ]  # fmt: skip


def _shared_sections(runs: Sequence[RunSummary], gallery: Gallery) -> list[Section]:
    several = len(runs) > 1
    first = runs[0].evaluation
    by_size = gallery.picture(
        success_by_size(runs), name="success-by-size", title="Success by maze size",
        alt="Share of mazes walked along a shortest path, by maze size, with baselines. The table below has the numbers.",
        reading=NOTHING if several else size_reading(first),
    )  # fmt: skip
    by_length = gallery.picture(
        success_by_length(runs), name="success-by-length", title="Success by path length",
        alt="Share of mazes walked along a shortest path, by length of that path. The table below has the numbers.",
        reading=NOTHING if several else length_reading(first),
    )  # fmt: skip
    sections = [Section(name="comparison", title="Comparison", tables=[comparison_table(runs)])] if several else []
    return [
        *sections,
        Section(name="size", title="By maze size", pictures=[by_size],
                tables=[] if several else [size_table(first), baseline_table(first)]),
        Section(name="length", title="By path length", pictures=[by_length],
                tables=[] if several else [length_table(first)]),
    ]  # fmt: skip


def _run_sections(run: RunSummary, prefix: str, gallery: Gallery, several: bool) -> list[Section]:
    evaluation, name = run.evaluation, run.name if several else None
    heat = gallery.picture(
        heat_map(evaluation), name=f"{prefix}heat-map", title="Success by size and path length",
        alt="Heat map: share of shortest paths in % and number of mazes, by size and path length.",
        reading=grid_reading(evaluation),
    )  # fmt: skip
    own_tables = [size_table(evaluation), baseline_table(evaluation), length_table(evaluation)] if several else []
    sections = [
        Section(name=f"{prefix}grid", title="Size against length", pictures=[heat],
                tables=[*own_tables, grid_table(evaluation)], run=name),
        Section(name=f"{prefix}decisions", title="Single decisions", lead=decision_reading(evaluation),
                tables=[decision_table(evaluation)], run=name),
        Section(name=f"{prefix}errors", title="First errors", pictures=_error_pictures(run, prefix, gallery),
                tables=[first_error_table(evaluation)], run=name),
    ]  # fmt: skip
    if evaluation.examples:
        sections.append(_example_section(run, prefix, gallery, name))
    return sections


def _error_pictures(run: RunSummary, prefix: str, gallery: Gallery) -> list[Picture]:
    evaluation = run.evaluation
    return [
        gallery.picture(first_errors(evaluation), name=f"{prefix}first-errors", title="How rollouts first go wrong",
                        alt="Stacked bars: share of rollouts by kind of first error, by size.",
                        reading=first_error_reading(evaluation), narrow=True),
        gallery.picture(hazard(evaluation), name=f"{prefix}hazard", title="When rollouts first go wrong",
                        alt="Chance of a first error per step, by steps from the origin, with 95% bands.",
                        reading=hazard_reading(evaluation), narrow=True),
    ]  # fmt: skip


def _example_section(run: RunSummary, prefix: str, gallery: Gallery, name: str | None) -> Section:
    examples = choose_examples(run.evaluation.examples)
    counts = outcome_counts(examples)
    reading = Statement(
        "Grey band: a shortest path. Blue: the model's path; orange from its first wrong step, with a cross where it stopped "
        "short of the target. Ring: origin. Square: target. Chosen to show both kinds, not in proportion: " + "; ".join(
            f"{{name_{index}}} {{count_{index}}}" for index in range(len(counts))) + ".",
        {f"name_{index}": kind for index, kind in enumerate(counts)}
        | {f"count_{index}": count for index, count in enumerate(counts.values())},
    )  # fmt: skip
    picture = gallery.picture(
        example_gallery(examples), name=f"{prefix}examples", title="Example mazes",
        alt="Mazes with a shortest path and the path the model walked.", reading=reading,
    )  # fmt: skip
    return Section(name=f"{prefix}gallery", title="Examples", pictures=[picture], run=name)


def _training_section(runs: Sequence[RunSummary], gallery: Gallery) -> Section:
    reading = training_reading(runs[0]) if len(runs) == 1 else NOTHING
    picture = gallery.picture(
        training_curves(runs), name="training", title="Training curves",
        alt="Loss, validation, learning rate and gradient norm by optimizer step.", reading=reading,
    )  # fmt: skip
    return Section(name="training", title="Training", pictures=[picture])
