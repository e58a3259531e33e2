"""maze-rl search: the page of a model, its numbers as JSON, and one clear line for what cannot be analysed."""

import json
from pathlib import Path

import pytest

from maze_rl import load_tokenization
from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.cli.main import run
from maze_rl.configs.model import ModelConfig
from maze_rl.models.build import build_model
from maze_rl.models.model_files import save_model
from maze_rl.workflows import search as search_module
from maze_rl.workflows.search import search


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "13"], "canvas has 12 x 12"),
        (["--num", "5"], "at least 20 mazes"),
        (["--algorithm", "dfs_percolation"], "without cycles"),
        (["--algorithm", "wilsn"], "Did you mean 'wilson'"),
        (["--size", "3"], "at least 4 x 4 cells"),
    ],
)
def test_what_cannot_be_analysed_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["search", "maze-5to9-cpu", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_format_that_is_not_analysed_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = ModelConfig(n_layers=1, d_model=12, n_heads=1, embedding="free")
    save_model(build_model(config, load_tokenization("row_column", canvas=5)), tmp_path / "model", {})
    assert run(["search", str(tmp_path / "model")]) == 2
    assert "formats edges and unique_cells" in capsys.readouterr().err


@pytest.mark.slow
def test_the_page_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "ROWS", search_module.ROWS[2:4])  # two calibration models are enough here
    model = build_hand_built("decoy", load_tokenization("edges", canvas=4), n_layers=7)
    steps: list[float] = []
    found = search(model, size=4, num=40, out=tmp_path, progress=lambda doing, done: steps.append(done))
    assert steps == sorted(steps) and steps[-1] == 1.0
    assert found.page == tmp_path / "search.html" and found.page.is_file()
    assert found.verdict in found.page.read_text() or found.verdict.split(",")[0] in found.page.read_text()
    assert found.scores["S2"]["verdict"] == "yes" and found.scores["S1"]["verdict"] == "no"
    values = json.loads((tmp_path / "search.json").read_text())
    assert "NaN" not in json.dumps(values)
    assert {"N1 untrained", "N2 greedy"} == set(found.result.calibration)
    assert (tmp_path / "search.md").is_file() and list(tmp_path.glob("*.png"))
