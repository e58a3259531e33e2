"""maze-rl search: the page of a model, its numbers as JSON, and one clear line for what cannot be analysed."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from maze_rl import load_tokenization
from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.calibration.looped_searchers import build_looped
from maze_rl.cli.main import run
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import MazeRLError
from maze_rl.interp.finding import Finding
from maze_rl.intervals import Interval
from maze_rl.models.build import build_model
from maze_rl.models.model_files import save_model
from maze_rl.models.verified_files import tensor_bytes, write_folder
from maze_rl.training.checkpoints import WEIGHTS
from maze_rl.workflows import search as search_module
from maze_rl.workflows.run_folder import RunFolder
from maze_rl.workflows.search import search


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "13"], "canvas has 12 x 12"),
        (["--num", "5"], "at least 20 mazes"),
        (["--algorithm", "dfs_percolation"], "without cycles"),
        (["--algorithm", "wilsn"], "Did you mean 'wilson'"),
        (["--size", "3"], "at least 4 x 4 cells"),
        (["--size", "0"], "size 0 is out of bounds"),
        (["--seed", "-1"], "seed is -1: expected a whole number, at least 0"),
    ],
)
def test_what_cannot_be_analysed_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["search", "maze-5to9-causal", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_format_that_is_not_analysed_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = ModelConfig(n_layers=1, d_model=12, n_heads=1, embedding="free")
    save_model(build_model(config, load_tokenization("row_column", canvas=5)), tmp_path / "model", {})
    assert run(["search", str(tmp_path / "model")]) == 2
    assert "formats edges, unique_cells and cells" in capsys.readouterr().err


@pytest.mark.slow
def test_the_page_of_a_model_of_the_default_kind(default_kind: Path, tmp_path: Path, no_calibration: None) -> None:
    found = search(default_kind, size=5, num=40, out=tmp_path)
    page = found.page.read_text()
    assert found.verdict == "heuristic" and "heuristic" in page  # it is untrained
    assert "Too few cells settle" in page and "nan" not in page.lower()
    values = json.loads((tmp_path / "search.json").read_text())
    assert values["battery"]["rivals"] is None and set(values["battery"]["larger"]) == {"5", "8"}


@pytest.mark.slow
def test_the_page_of_a_model_with_loops(tmp_path: Path, no_calibration: None) -> None:
    model = build_looped("decoy", load_tokenization("cells", canvas=5, origin="path"), loops=12)
    found = search(model, size=5, num=40, out=tmp_path)
    assert found.verdict == "represents without use"
    assert found.scores["S2"]["verdict"] == "yes" and found.scores["S3"]["verdict"] == "no"
    values = json.loads((tmp_path / "search.json").read_text())
    names = ["scorecard", "spreading", "state", "attention", "causal-use", "larger", "limits"]
    assert [section["name"] for section in values["sections"]] == names
    assert values["searches"] is False and (tmp_path / "second-source.png").is_file()


@pytest.fixture
def no_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the calibration models out of a page."""
    monkeypatch.setattr(search_module, "_calibrate", lambda model, seed, progress: {})


@pytest.mark.parametrize(
    ("built", "written", "said"),
    [
        ({"loops": 2}, {}, "the scorecard relies on a plain residual stream"),
        ({"prompt": "visible"}, {}, "the battery of search tests relies on a causal prompt"),
        ({}, {"origin": "path"}, "the scorecard relies on the origin in the prompt"),
    ],
)
def test_what_a_test_of_the_battery_is_wrong_for_is_refused(
    built: dict[str, Any], written: dict[str, Any], said: str, refused: Callable[[list[str], str], None], tmp_path: Path
) -> None:
    config = ModelConfig(n_layers=1, d_model=12, n_heads=1, **built)
    save_model(build_model(config, load_tokenization("edges", canvas=5, **written)), tmp_path / "model", {})
    refused(["search", str(tmp_path / "model")], said)


def test_a_file_in_the_place_of_the_folder_is_refused_before_the_run(
    refused: Callable[[list[str], str], None], tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("mine")
    refused(["search", "maze-5to9-causal", "--out", "taken"], "taken is a file")
    refused(["search", "maze-5to9-causal", "--out", "taken/page"], "taken is a file")


@pytest.mark.parametrize(
    ("trained", "canvas", "size"),
    [([5, 6, 7, 8, 9], 12, 7), ([8, 9], 12, 8), ([4, 5], 12, 5), ([6, 8], 12, 6), ([], 12, 7), ([], 5, 5)],
)
def test_the_usual_size_is_one_it_was_trained_on(trained: list[int], canvas: int, size: int) -> None:
    model = build_model(ModelConfig(n_layers=1, d_model=12, n_heads=1), load_tokenization("edges", canvas=canvas))
    model.about = {"sizes": trained} if trained else {}
    assert search_module._usual_size(model) == size


def test_checkpoints_that_do_not_fit_are_named_and_damaged_ones_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenization = load_tokenization("edges", canvas=4)
    fitting, other = (
        build_model(ModelConfig(n_layers=layers, d_model=12, n_heads=1), tokenization) for layers in (1, 2)
    )
    monkeypatch.setattr(RunFolder, "open", lambda self: SimpleNamespace(model=fitting.maze_config))
    (tmp_path / "config.json").touch()  # as a run has it
    for step, model in ((10, other), (20, fitting), (30, fitting)):
        folder = tmp_path / "checkpoints" / str(step)
        write_folder(folder, {WEIGHTS: tensor_bytes(model.state_dict())})
    found, left_out = search_module._checkpoints(tmp_path, tokenization)
    assert [step for step, _ in found] == [20, 30] and left_out == [10]
    weights = tmp_path / "checkpoints" / "20" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(MazeRLError, match="truncated or altered"):
        search_module._checkpoints(tmp_path, tokenization)


@pytest.mark.slow
def test_the_page_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "ROWS", search_module.ROWS[2:4])  # two calibration models are enough here
    model = build_hand_built("decoy", load_tokenization("edges", canvas=5), n_layers=12)
    steps: list[float] = []
    found = search(model, size=5, num=40, out=tmp_path, progress=lambda doing, done: steps.append(done))
    assert steps == sorted(steps) and steps[-1] == 1.0
    assert found.page == tmp_path / "search.html" and found.page.is_file()
    assert found.verdict in found.page.read_text() or found.verdict.split(",")[0] in found.page.read_text()
    assert found.scores["S2"]["verdict"] == "yes" and found.scores["S1"]["verdict"] == "no"
    values = json.loads((tmp_path / "search.json").read_text())
    assert "NaN" not in json.dumps(values)
    assert {"N1 untrained", "N2 greedy"} == set(found.result.calibration)
    assert (tmp_path / "search.md").is_file() and list(tmp_path.glob("*.png"))


def test_what_was_not_measured_is_null_and_said_to_be_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = Finding(name="flips", effect=Interval(*[float("nan")] * 3), threshold=0.5, num_mazes=0)
    known = Finding(name="heads", effect=Interval(0.5, 0.25, 0.75), threshold=0.5, num_mazes=40, num_layouts=30)
    scores = search_module._plain({"S1": nothing, "S2": known})
    outcome = SimpleNamespace(page=Path("search.html"), verdict="unclear", scores=scores, result=None)
    monkeypatch.setattr(search_module, "search", lambda *_, **__: outcome)
    monkeypatch.setattr("maze_rl.cli.tables.warn_of_few_search_layouts", lambda result: None)
    assert run(["search", "maze-5to9-causal"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.split("  ")[:2] == ["S1", "not measured"] and first.endswith("flips (0 mazes)")
    assert second == "S2  +0.50 [+0.25, +0.75]  unclear  heads (40 mazes, 30 layouts)"
    assert run(["search", "maze-5to9-causal", "--json"]) == 0
    printed = capsys.readouterr().out
    assert "NaN" not in printed and json.loads(printed)["scores"]["S1"]["effect"] is None
