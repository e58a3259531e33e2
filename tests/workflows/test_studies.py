"""Studies: listed, exported as notebooks, run cell by cell; every shipped one from top to bottom."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.shipped import shipped_names
from maze_rl.workflows import studies
from maze_rl.workflows.studies import export_study, list_studies, run_study

NAMES = shipped_names("analysis")
SMALL = '''"""Is this a study?

It adds two numbers.
"""

# %% parameters
out = "studies/small"
size = 2

# %% [markdown] Adding
# One and
# one.

# %% Add

total = size + len(str(out))
seen.append((out, size))
'''


@pytest.fixture
def write_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make `text` the study called small."""

    def write(text: str) -> Path:
        path = tmp_path / "small.py"
        path.write_text(text)
        monkeypatch.setattr(studies, "shipped", lambda kind, name: path)
        return path

    return write


def test_list_has_every_study_with_its_question() -> None:
    found = list_studies()
    assert [study.name for study in found] == NAMES
    assert "activation_patching" in NAMES
    assert all(study.question.endswith("?") for study in found)


@pytest.mark.parametrize("name", NAMES)
def test_study_has_parameters_and_text_between_its_code(name: str) -> None:
    study = studies.read_study(name)
    titles = [cell.title for cell in study.cells if not cell.is_text]
    assert titles.count(studies.PARAMETERS) == 1
    assert len(titles) >= 4
    assert any(cell.is_text for cell in study.cells)
    assert "not show" in study.cells[-1].title + study.cells[-1].source


@pytest.mark.parametrize("name", NAMES)
def test_notebook_holds_the_study_in_order(name: str, tmp_path: Path) -> None:
    study = studies.read_study(name)
    notebook = json.loads(export_study(name, tmp_path / "notebook.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells) == len(study.cells) + 1
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code == [cell.source for cell in study.cells if not cell.is_text]
    for source in code:
        compile(source, name, "exec")
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert texts[0].startswith(f"# {study.question}")
    assert all(text.startswith("## ") for text in texts[1:])


def test_markdown_loses_its_comment_signs(write_study: Callable[[str], Path], tmp_path: Path) -> None:
    write_study(SMALL)
    cells = json.loads(export_study("small", tmp_path / "small.ipynb").read_text())["cells"]
    assert "".join(cells[2]["source"]) == "## Adding\n\nOne and\none."
    assert "".join(cells[0]["source"]) == "# Is this a study?\n\nIt adds two numbers."


def test_unknown_study_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown study 'activation_patchin'.*'activation_patching'"):
        run_study("activation_patchin")


def test_run_sets_the_folder_after_the_parameters(
    write_study: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    write_study(SMALL.replace("# %% parameters", "# %% imports\nimport builtins\n\n# %% parameters"))
    monkeypatch.setattr("builtins.seen", seen, raising=False)
    told: list[tuple[str, float]] = []
    folder = run_study("small", out=tmp_path / "figures", progress=lambda doing, done: told.append((doing, done)))
    assert folder == tmp_path / "figures"
    assert folder.is_dir()
    assert seen == [(folder, 2)]
    assert [doing for doing, _ in told] == ["imports", "parameters", "Add", "done"]
    assert told[-1][1] == 1.0


def test_study_of_its_own_models_refuses_a_run(write_study: Callable[[str], Path], tmp_path: Path) -> None:
    write_study(SMALL)
    with pytest.raises(ConfigurationError) as refusal:
        run_study("small", run="maze-5to9-cpu", out=tmp_path / "figures")
    assert str(refusal.value) == "study small takes no run: it builds its own models."
    assert not (tmp_path / "figures").exists()


def test_error_names_the_line_of_the_file(write_study: Callable[[str], Path], tmp_path: Path) -> None:
    path = write_study(SMALL)
    with pytest.raises(NameError) as caught:
        run_study("small", out=tmp_path / "figures")
    last = traceback.extract_tb(caught.tb)[-1]
    line = path.read_text().splitlines().index("seen.append((out, size))") + 1
    assert (last.filename, last.lineno) == (str(path), line)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_study_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    folder = run_study(name, out=tmp_path / "figures")
    figures = list(folder.glob("*.png"))
    assert figures
    assert all(figure.read_bytes().startswith(b"\x89PNG") for figure in figures)
