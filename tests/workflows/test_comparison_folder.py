"""A report on several runs has a place of its own: no run's report is touched, no other comparison overwritten."""

import json
from pathlib import Path

import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.workflows.comparison_folder import check_own_place, comparison_folder
from maze_rl.workflows.run_folder import RunFolder


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    monkeypatch.chdir(tmp_path)
    return [RunFolder(Path("runs") / name) for name in ("a", "b", "c", "d", "e")]


def write(folder: Path, runs: list[RunFolder]) -> None:
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps({"runs": [{"folder": str(run.folder)} for run in runs]}))


def test_the_place_is_named_after_the_runs(folders: list[RunFolder]) -> None:
    assert comparison_folder(folders[:2]) == Path("runs/comparisons/a-b")
    assert comparison_folder(folders[:2], "-36-loops") == Path("runs/comparisons/a-b-36-loops")
    assert comparison_folder(folders) == Path("runs/comparisons/a-b-c-and-2-more")


def test_the_same_runs_are_written_again_and_others_beside_them(folders: list[RunFolder], tmp_path: Path) -> None:
    write(Path("runs/comparisons/a-b"), folders[:2])
    assert comparison_folder(folders[:2]) == Path("runs/comparisons/a-b")
    elsewhere = [RunFolder(tmp_path / "other" / name) for name in ("a", "b")]
    assert comparison_folder(elsewhere) == Path("runs/comparisons/a-b-2")
    Path("runs/comparisons/a-c").mkdir()
    assert comparison_folder([folders[0], folders[2]]) == Path("runs/comparisons/a-c-2")


def test_the_report_of_one_of_them_is_no_place(folders: list[RunFolder]) -> None:
    with pytest.raises(ConfigurationError, match="holds the report of runs/b alone"):
        check_own_place(Path("runs/b/report"), folders[:2])
    check_own_place(Path("runs/b/report"), folders[1:2])
    check_own_place(Path("elsewhere"), folders[:2])
