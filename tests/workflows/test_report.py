"""`maze-rl report`: of runs, of models without their runs, and of models that are objects."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import maze_rl
from maze_rl.cli.main import run
from maze_rl.errors import ConfigurationError
from maze_rl.workflows.report import report

SHIPPED = "maze-4to5-unique-cells"


@pytest.fixture(scope="module")
def own(load_script: Callable[..., ModuleType]) -> ModuleType:
    return load_script("own_models", "tests/workflows")


def text_of(page: Path) -> str:
    return page.with_name("report.md").read_text(encoding="utf-8").replace("\\", "")


def test_a_shipped_model_has_a_report_that_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["report", SHIPPED, "--sizes", "4..5", "--num", "20", "--json"]) == 0
    page = Path(json.loads(capsys.readouterr().out)["report"])
    assert page.parent == Path(f"report-{SHIPPED}")
    text = text_of(page)
    assert f"There is no training log beside {SHIPPED}" in text
    assert "Training curves" not in text
    assert "Inside the sizes it was trained on (4–5) the model walks a shortest path in" in text
    assert "0 of the 192,000 mazes seen in training belong to the validation or test split" in text
    assert f"maze-rl evaluate {SHIPPED} --sizes 4,5 --algorithm dfs --num 20" in text
    assert f"maze-rl report {SHIPPED} --sizes 4,5 --num 20" in text
    assert "What is known of the model, whose run is not here." in text
    assert "from one seed" in text


def test_the_page_of_a_model_of_ones_own_claims_nothing_of_its_training(own: ModuleType, tmp_path: Path) -> None:
    model = maze_rl.attach_tokenization(own.own_model(), own.EDGES, name="mine")
    text = text_of(report(model, tmp_path, [4, 5], 20))
    assert "of sizes 4–5; what sizes it was trained on, if any, is not recorded." in text
    for claim in (
        "seen in training; hollow",
        "other sizes",
        "not trained on",
        "leaked mazes",
        "outside the training",
        ", new",
    ):
        assert claim not in text, claim
    assert "shortest path, all sizes" in text
    assert "Whether the model saw test mazes in training is not recorded." in text
    assert "maze_rl.evaluate(model, sizes=[4, 5], num=20, algorithm='dfs'" in text
    assert "maze-rl evaluate" not in text
    values = json.loads((tmp_path / "report.json").read_text())
    assert values["runs"][0]["leak_count"] is None and values["runs"][0]["is_run"] is False


def test_models_of_all_kinds_stand_side_by_side(own: ModuleType, tmp_path: Path) -> None:
    stock, loaded = own.shipped_weights(SHIPPED)
    maze_rl.attach_tokenization(stock, loaded.tokenization, name="stock")
    text = text_of(report([SHIPPED, stock, "hand-built-greedy"], tmp_path, [4, 5], 20))
    assert "What sizes stock, hand-built-greedy were trained on, if any, is not recorded" in text
    assert f"There is no training log beside {SHIPPED}, stock, hand-built-greedy" in text
    assert f"maze_rl.report(['{SHIPPED}', model, 'hand-built-greedy'], sizes=[4, 5], num=20" in text


def test_sizes_beyond_the_canvas_of_one_model_are_refused_before_another_is_measured(
    own: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maze_rl.workflows.report.evaluate", lambda *given, **named: pytest.fail("measured"))
    with pytest.raises(ConfigurationError, match=f"size 8 is larger than the canvas of {SHIPPED} of 5 x 5 cells"):
        report(["maze-5to9-causal", SHIPPED], tmp_path / "out", [5, 8], 20)


def test_a_saved_model_is_measured_once(own: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maze_rl.save_model(maze_rl.attach_tokenization(own.own_model(), own.EDGES, name="mine"), tmp_path / "saved")
    page = report(tmp_path / "saved", sizes=[4], num=20)
    assert page.parent == tmp_path / "saved" / "report"
    monkeypatch.setattr("maze_rl.workflows.report.evaluate", lambda *given, **named: pytest.fail("measured again"))
    assert report([tmp_path / "saved"]) == page


def test_models_whose_folders_share_a_name_are_told_apart(own: ModuleType, tmp_path: Path) -> None:
    folders = [tmp_path / arm / "seed-0" for arm in ("a", "b")]
    for folder in folders:
        maze_rl.save_model(maze_rl.attach_tokenization(own.own_model(), own.EDGES, name="mine"), folder)
    page = report(folders, tmp_path / "out", [4], 20)
    values = json.loads((page.parent / "report.json").read_text())
    assert [each["name"] for each in values["runs"]] == ["a/seed-0", "b/seed-0"]
    assert [column["title"] for column in values["setup"]["columns"]] == ["", "a/seed-0", "b/seed-0"]
