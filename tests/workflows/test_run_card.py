import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maze_rl.models.model_files import MODEL
from maze_rl.workflows.train import Run


def test_a_run_shows_what_it_was_trained_on(tmp_path: Path, read_page: Callable[[str], Any]) -> None:
    about = {
        "sizes": [5, 6, 7],
        "algorithms": ["dfs", "wilson"],
        "loss": "path_only",
        "steps": 2400,
        "mazes": 57_600,
        "tokens": 1_000_000,
        "leaks": 0,
        "num_parameters": 309_312,
        "seconds": 2672.0,
    }
    (tmp_path / MODEL).write_text(json.dumps({"about": about}))
    (tmp_path / "metrics.jsonl").write_text('{"step": 2400, "loss": 0.01234}\n{"step": 2400, "ended": "x"}\n')
    run = Run(tmp_path, 2400)
    assert repr(run) == f"Run(folder='{short(tmp_path)}', steps=2400)"
    text = read_page(run._repr_html_()).text
    for said in (
        "trained on sizes 5..7, dfs, wilson",
        "loss path_only",
        "seen 2,400 steps, 57,600 mazes, 1,000,000 tokens, 0 leaks",
        "parameters 309,312",
        "time 45 min",
        "last loss 0.01234 at step 2,400",
    ):
        assert said in text
    assert "report" not in text


def short(path: Path) -> str:
    return str(path) if len(str(path)) <= 44 else str(path)[:41] + "..."


def test_a_run_that_was_stopped_shows_what_there_is(tmp_path: Path, read_page: Callable[[str], Any]) -> None:
    assert read_page(Run(tmp_path, 3)._repr_html_()).text == f"run {tmp_path}"
