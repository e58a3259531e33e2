"""Progress where people look: a bar in a terminal, a line in a notebook, lines in a file, nothing twice."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import maze_rl
from maze_rl.workflows.progress import progress_bar, shown

TINY = {
    "steps": 4,
    "batch_size": 4,
    "layers": 1,
    "heads": 2,
    "d_model": 16,
    "loops": None,
    "canvas": 4,
    "num": 0,
    "device": "cpu",
    "starts": 0,
    "stray_tokens": 0,
}


class Notebook:
    """What stands in a cell: the text of every display, replaced by later ones of the same handle."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> SimpleNamespace:
        assert raw and display_id
        place = len(self.texts)
        self.texts.append(data["text/plain"])

        def update(data: dict[str, str], *, raw: bool) -> None:
            assert raw
            self.texts[place] = data["text/plain"]

        return SimpleNamespace(update=update)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    found, ipython, display = Notebook(), ModuleType("IPython"), ModuleType("IPython.display")
    vars(ipython)["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    vars(display)["display"] = found.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return found


def test_a_file_gets_a_line_for_every_twentieth(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as bar:
        for step in range(101):
            bar("training", step / 100, {"loss": 0.5})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "training: 100%  loss 0.500"


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar() as bar:
        bar("training", 1.0, {"loss": 0.5})
    said = capsys.readouterr().err
    assert "━" in said and "100%" in said and "loss 0.500" in said


def test_a_notebook_gets_a_line_that_is_replaced(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as bar:
        for step in range(101):
            bar("training", step / 100, {"loss": 0.5})
        bar("evaluating", 0.5, {"doing": "9 x 9"})
    assert notebook.texts == [f"training {'█' * 24} 100%  loss 0.500", f"evaluating {'█' * 12}{'░' * 12} 50%  9 x 9"]
    assert capsys.readouterr().err == ""


def test_work_inside_shown_work_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as outer:
        outer("study", 0.0, {})
        with shown(True) as inner:
            inner("training", 0.5, {})
        outer("study", 1.0, {})
    with progress_bar() as later:
        later("again", 1.0, {})
    assert capsys.readouterr().err.splitlines() == ["study: 0%", "study: 100%", "again: 100%"]


@pytest.mark.parametrize("nothing", [False, None])
def test_nothing_is_drawn_where_nothing_is_asked_for(nothing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with shown(nothing) as bar:
        bar("training", 0.5, {})
    assert capsys.readouterr().err == ""


def test_training_shows_its_progress_unless_told_otherwise(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    maze_rl.train("3..4", out=tmp_path / "shown", **TINY)
    said = capsys.readouterr().err
    assert "training: 25%  loss" in said and "training: 100%" in said
    maze_rl.train("3..4", out=tmp_path / "quiet", progress=False, **TINY)
    assert capsys.readouterr().err == ""
    told = []
    maze_rl.train("3..4", out=tmp_path / "own", progress=lambda *each: told.append(each), **TINY)
    assert [(stage, done) for stage, done, _ in told] == [("training", step / 4) for step in (1, 2, 3, 4)]
    assert capsys.readouterr().err == ""


def test_training_shows_its_progress_in_a_notebook(tmp_path, notebook: Notebook) -> None:
    maze_rl.train("3..4", out=tmp_path / "run", **TINY)
    (line,) = notebook.texts
    assert line.startswith(f"training {'█' * 24} 100%  loss ")
