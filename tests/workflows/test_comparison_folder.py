"""A report on several runs has a place of its own: no run's report is touched, no other comparison overwritten."""

import json
from pathlib import Path

import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.workflows.comparison_folder import check_own_place, comparison_folder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    monkeypatch.chdir(tmp_path)
    return [(name, f"runs/{name}") for name in ("a", "b", "c", "d", "e")]


def write(folder: Path, runs: list[tuple[str, str | None]]) -> None:
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps({"runs": [{"folder": place} for _, place in runs]}))


def test_the_place_is_named_after_the_runs(runs: list[tuple[str, str | None]]) -> None:
    assert comparison_folder(runs[:2]) == Path("runs/comparisons/a-b")
    assert comparison_folder(runs[:2], "-36-loops") == Path("runs/comparisons/a-b-36-loops")
    assert comparison_folder(runs) == Path("runs/comparisons/a-b-c-and-2-more")


def test_the_same_runs_are_written_again(runs: list[tuple[str, str | None]], tmp_path: Path) -> None:
    write(Path("runs/comparisons/a-b"), runs[:2])
    assert comparison_folder(runs[:2]) == Path("runs/comparisons/a-b")
    elsewhere = [(name, str(tmp_path / "other" / name)) for name in ("a", "b")]
    assert comparison_folder(elsewhere) == Path("runs/comparisons/a-b-2")
    Path("runs/comparisons/a-c").mkdir()
    assert comparison_folder([runs[0], runs[2]]) == Path("runs/comparisons/a-c-2")


def test_the_report_of_one_of_them_is_no_place() -> None:
    with pytest.raises(ConfigurationError, match="holds the report of runs/b alone"):
        check_own_place(Path("runs/b/report"), [Path("runs/a/report"), Path("runs/b/report")])
    check_own_place(Path("runs/b/report"), [Path("runs/b/report")])
    check_own_place(Path("elsewhere"), [Path("runs/a/report"), Path("runs/b/report")])
