"""A run in a notebook: what was trained on what for how long, and how good it is, from the files of its folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maze_rl.configs.ranges import format_range
from maze_rl.displays.notebook_html import block, headed, table
from maze_rl.evaluation.result_table import result_html
from maze_rl.evaluation.saved_results import result_from_json
from maze_rl.models.model_files import MODEL
from maze_rl.workflows.run_folder import RunFolder


def run_html(folder: Path) -> str:
    """Return facts about the run in `folder`, and its evaluation as a table where there is one.

    What is missing, as in a run that was stopped, is left out.
    """
    run = RunFolder(folder)
    parts = [headed(f"run {folder}"), table(("", ""), _facts(run), left=(0, 1))]
    if run.evaluation_path.is_file():
        parts.append(result_html(result_from_json(run.read_evaluation())))
    return block(*parts)


def _facts(run: RunFolder) -> Iterator[tuple[str, str]]:
    about = _about(run.folder)
    if about.get("sizes"):
        algorithms = ", ".join(about.get("algorithms") or [about.get("algorithm", "")])
        yield "trained on", f"sizes {format_range(tuple(about['sizes']))}, {algorithms}"
    if about.get("loss"):
        yield "loss", str(about["loss"])
    counts = [f"{about[name]:,} {name}" for name in ("steps", "mazes", "tokens") if name in about]
    if counts:
        yield "seen", ", ".join(counts) + (f", {about['leaks']} leaks" if "leaks" in about else "")
    if "num_parameters" in about:
        yield "parameters", f"{about['num_parameters']:,}"
    if "seconds" in about:
        yield "time", _duration(about["seconds"])
    rows = [row for row in run.read_metrics() if row.get("loss") is not None]
    if rows:
        yield "last loss", f"{rows[-1]['loss']:.4g} at step {rows[-1]['step']:,}"
    page = run.report / "report.html"
    if page.is_file():
        yield "report", str(page)


def _about(folder: Path) -> dict[str, Any]:
    """Return what was recorded with the finished model; nothing of a run without one."""
    try:
        return json.loads((folder / MODEL).read_text()).get("about", {})
    except (OSError, ValueError, AttributeError):
        return {}


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
