"""The section on checkpoints: how the scores emerge in training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from maze_rl.interp.finding import Finding
from maze_rl.interp.scorecard import SCORES
from maze_rl.reports.content import Column, Section, Statement, Table, Value
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.palette import light
from maze_rl.reports.search.scorecard_figures import MEANINGS
from maze_rl.reports.search.search_result import JudgedResult
from maze_rl.reports.search.stated import estimate, is_known, sentence
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Checkpoints = Sequence[tuple[int, Mapping[str, Finding]]]


def checkpoint_section(result: JudgedResult, gallery: Gallery) -> Section:
    """Put the section together; there must be checkpoints."""
    picture = gallery.picture(
        checkpoint_figure(result.checkpoints),
        name="checkpoints",
        title="Scores over training",
        alt="Scores S1 to S5 of the checkpoints of one run; dashed: thresholds.",
        reading=_reading(result.checkpoints),
    )
    return Section(
        name="checkpoints", title="Emergence over checkpoints", pictures=[picture], tables=[_table(result.checkpoints)]
    )


def checkpoint_figure(checkpoints: Checkpoints) -> "Figure":
    """Draw each score over the steps of training, with its threshold."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 2.5))
    for place, (axes, score) in enumerate(zip(figure.subplots(1, len(SCORES)), SCORES, strict=True)):
        known = [(step, scores[score]) for step, scores in checkpoints if is_known(scores[score].effect)]
        axes.set_title(f"{score} {MEANINGS[score]}" if len(MEANINGS[score]) < 22 else score, fontsize=7.5)
        if known:
            steps = [step for step, _ in known]
            axes.plot(steps, [each.effect.value for _, each in known], color=light("blue"), marker="o", markersize=4)
            axes.fill_between(
                steps,
                [each.effect.low for _, each in known],
                [each.effect.high for _, each in known],
                facecolor=light("blue"),
                alpha=0.18,
                linewidth=0,
            )
            axes.axhline(known[0][1].threshold, color=light("ink"), linewidth=1.0, linestyle=(0, (3, 2)))
        axes.locator_params(axis="x", nbins=3)
        axes.tick_params(labelsize=7)
        if place == len(SCORES) // 2:
            axes.set_xlabel("step of training")
    figure.subplots_adjust(left=0.04, right=0.99, bottom=0.2, top=0.9, wspace=0.3)
    return figure


def first_yes(checkpoints: Checkpoints, score: str) -> int | None:
    """Return the first step from which on a score says yes at every checkpoint; None if it ends otherwise."""
    first = None
    for step, scores in checkpoints:
        first = (step if first is None else first) if scores[score].verdict == "yes" else None
    return first


def _reading(checkpoints: Checkpoints) -> Statement:
    found = {score: first_yes(checkpoints, score) for score in SCORES}
    whole = sentence("{num} checkpoints of one run.", num=len(checkpoints))
    for score, step in found.items():
        whole += (
            sentence(f"{score}: never yes to the end.")
            if step is None
            else sentence(f"{score}: yes from step {{{score.lower()}:,}} on.", **{score.lower(): step})
        )
    return whole


def _table(checkpoints: Checkpoints) -> Table:
    columns = [Column(key="step", title="step", kind="count")]
    columns += [Column(key=score, title=score, kind="decimal") for score in SCORES]
    rows: list[dict[str, Value]] = []
    for step, scores in checkpoints:
        row: dict[str, Value] = {"step": step}
        rows.append(row | {score: estimate(scores[score].effect, scores[score].num_mazes) for score in SCORES})
    return Table(name="checkpoints", caption="Scores of the checkpoints.", columns=columns, rows=rows, folded=True)
