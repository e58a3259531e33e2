"""Writes the page of ``maze-rl search``: ``search.html``, ``search.md``, ``search.json`` and PNG figures."""

import json
from os import PathLike
from pathlib import Path

from maze_rl.interp.scorecard import SCORES
from maze_rl.reports.content import Report, Section, Tile, report_json
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.generalization_report import render_markdown, render_page
from maze_rl.reports.search.attention_section import attention_section
from maze_rl.reports.search.behaviour_section import behaviour_section
from maze_rl.reports.search.causal_section import causal_section
from maze_rl.reports.search.checkpoint_section import checkpoint_section
from maze_rl.reports.search.layout_counts import few_search_layouts
from maze_rl.reports.search.loops.attention_section import kernel_section
from maze_rl.reports.search.loops.causal_section import loop_causal_section
from maze_rl.reports.search.loops.limits import loop_limits
from maze_rl.reports.search.loops.size_section import size_section
from maze_rl.reports.search.loops.spreading_section import spreading_section
from maze_rl.reports.search.loops.state_section import state_section
from maze_rl.reports.search.patching_section import patching_section
from maze_rl.reports.search.probe_section import probe_section
from maze_rl.reports.search.scorecard_figures import MEANINGS, scorecard_figure
from maze_rl.reports.search.search_limits import search_limits
from maze_rl.reports.search.search_readings import headline, scorecard_lead, scorecard_reading
from maze_rl.reports.search.search_result import JudgedResult, LoopSearchResult, SearchResult
from maze_rl.reports.search.search_tables import comparison_table, score_table, setup_table
from maze_rl.reports.search.search_values import result_values
from maze_rl.reports.search.stated import estimate
from maze_rl.reports.vector_graphics import figure_style


def write_search_report(result: JudgedResult, folder: str | PathLike[str]) -> Path:
    """Write the report on one model.

    Args:
        result: What was found.
        folder: Where to write; made if it is missing, files of an earlier report are overwritten.

    Returns:
        The path of the page.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    report = build_search_report(result, folder)
    page = folder / "search.html"
    page.write_text(render_page(report, "search/search.html.jinja"), encoding="utf-8")
    (folder / "search.md").write_text(render_markdown(report), encoding="utf-8")
    values = report_json(report) | result_values(result)
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "search.json").write_text(text + "\n", encoding="utf-8")
    return page


def build_search_report(result: JudgedResult, folder: str | PathLike[str]) -> Report:
    """Put the page together, writing the PNG figures into `folder`."""
    gallery = Gallery(Path(folder))
    with figure_style():
        sections = [_scorecard(result, gallery), *_sections(result, gallery)]
        if len(result.checkpoints) > 1:
            sections.append(checkpoint_section(result, gallery))
    limits = loop_limits(result) if isinstance(result, LoopSearchResult) else search_limits(_causal(result))
    sections.append(Section(name="limits", title="What this does not show", points=limits))
    return Report(
        title=result.name,
        headline=headline(result),
        tiles=_tiles(result),
        setup=setup_table(result),
        sections=sections,
    )


def _sections(result: JudgedResult, gallery: Gallery) -> list[Section]:
    """Return what stands between the scorecard and the limits: of either kind of model its own methods."""
    if isinstance(result, LoopSearchResult):
        return [build(result, gallery) for build in _OF_LOOPS]
    return [build(_causal(result), gallery) for build in _OF_CAUSAL_PROMPTS]


_OF_LOOPS = (spreading_section, state_section, kernel_section, loop_causal_section, size_section)
_OF_CAUSAL_PROMPTS = (behaviour_section, attention_section, probe_section, patching_section, causal_section)


def _causal(result: JudgedResult) -> SearchResult:
    assert isinstance(result, SearchResult)  # there are no others
    return result


def _tiles(result: JudgedResult) -> list[Tile]:
    scores = result.judgement.judged.scores
    return [
        Tile(
            label=f"{score} {MEANINGS[score]}",
            value=estimate(scores[score].effect, scores[score].num_mazes),
            kind="decimal",
            note=scores[score].verdict,
        )
        for score in SCORES
    ]


def _scorecard(result: JudgedResult, gallery: Gallery) -> Section:
    judgement, control = result.judgement, result.battery.untrained
    card, tables = judgement.judged, [score_table(judgement.judged.scores)]
    if card is not judgement.card:
        tables.append(score_table(judgement.card.scores, beyond=True))
    picture = gallery.picture(
        scorecard_figure(card.scores, control.scores, result.calibration),
        name="scorecard",
        title="Scorecard",
        alt="Scores S1 to S5 of the model with intervals and thresholds, beside models of known algorithm.",
        reading=scorecard_reading(result),
    )
    return Section(
        name="scorecard",
        title="Scorecard",
        lead=few_search_layouts(result) + scorecard_lead(result),
        pictures=[picture],
        tables=[*tables, comparison_table(result)],
    )
