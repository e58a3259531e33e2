"""Writes a generalization report: ``report.html``, ``report.md``, ``report.json`` and PNG figures.

The page needs no other file and no network; the Markdown shows the PNG figures beside it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from maze_rl.errors import MazeRLError
from maze_rl.reports.content import Report, interval_text, report_json, value_text
from maze_rl.reports.palette import variables
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.sections import build_report
from maze_rl.strict_json import plain


def write_report(runs: Sequence[RunSummary], folder: str | PathLike[str]) -> Path:
    """Write the report on one run, or on several side by side.

    Args:
        runs: What to report on, in the order of the figures; at least one.
        folder: Where to write; made if it is missing, files of an earlier report are overwritten.

    Returns:
        The path of the page.

    Raises:
        MazeRLError: There is no run to report on.
    """
    folder = Path(folder)
    if not runs:
        raise MazeRLError("there is no run to report on: name at least one.")
    folder.mkdir(parents=True, exist_ok=True)
    report = build_report(runs, folder)
    page = folder / "report.html"
    page.write_text(render_page(report), encoding="utf-8")
    (folder / "report.md").write_text(render_markdown(report), encoding="utf-8")
    values = report_json(report) | {"runs": [_run_json(run) for run in runs]}
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    return page


def render_page(report: Report, template: str = "page.html.jinja") -> str:
    """Return the page of a report; everything that is not drawn here is escaped."""
    page = _environment(autoescape=True).get_template(template)
    return page.render(report=report, light_colours=variables(dark=False), dark_colours=variables(dark=True))


def render_markdown(report: Report) -> str:
    """Return a report as Markdown, with the PNG figures."""
    environment = _environment(autoescape=False)
    environment.filters["cell"] = _markdown_cell
    environment.filters["line"] = _one_line
    return environment.get_template("report.md.jinja").render(report=report)


def _environment(autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("maze_rl.reports", "."),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["value_text"] = value_text
    environment.filters["interval_text"] = interval_text
    return environment


def _one_line(text: str) -> str:
    """Make text safe inside a line of Markdown: no HTML, no link, no line break."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for character in "\\`*_[]|":
        text = text.replace(character, "\\" + character)
    return text


def _markdown_cell(value: Any, kind: str) -> str:
    interval = interval_text(value, kind)
    return _one_line(value_text(value, kind)) + (f" ({interval})" if interval else "")


def _run_json(run: RunSummary) -> dict[str, Any]:
    """Return a run without its training log, of which the last row is kept."""
    values = {key: value for key, value in vars(run).items() if key not in ("metrics", "evaluation")}
    return plain(
        values | {"last_metrics": run.metrics[-1] if run.metrics else None, "evaluation": asdict(run.evaluation)}
    )
