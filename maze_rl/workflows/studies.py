"""The studies of `analysis/`: list them, run one cell by cell, export one as a notebook.

A study is a Python file cut into cells by lines that begin with ``# %%``, as editors and Jupytext read them: it is a
script, and opens as a notebook. Its docstring begins with its question. The cell titled ``parameters`` gives names
their defaults, `run` (the model) and `out` (the folder of the figures) among them; a run may set them otherwise.
"""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.shipped import shipped, shipped_names

KIND = "analysis"
PARAMETERS = "parameters"
_MARK = re.compile(r"# %%\s*(\[markdown\])?\s*(.*)")


@dataclass(frozen=True)
class Cell(Shown):
    """A piece of a study."""

    title: str
    source: str
    first_line: int
    """Where the source begins in the file, from 1."""
    is_text: bool = False


@dataclass(frozen=True)
class Study(Shown):
    """A file of `analysis/`, read and not run."""

    name: str
    path: Path
    text: str
    """The docstring; its first line is the question."""
    cells: tuple[Cell, ...]

    @property
    def question(self) -> str:
        """What the study asks."""
        return self.text.partition("\n")[0]


@dataclass(frozen=True)
class StudyRun(Shown):
    """What a run of a study left."""

    folder: Path
    """Where its figures are."""
    names: dict[str, Any]
    """Its variables, by name, after the last cell."""


def list_studies() -> list[Study]:
    """Return all studies, by name."""
    return [read_study(name) for name in shipped_names(KIND)]


def read_study(name: str) -> Study:
    """Read the study called `name`.

    Raises:
        UnknownNameError: There is none; the message lists them.
    """
    path = shipped(KIND, name)
    source = path.read_text(encoding="utf-8")
    return Study(name, path, ast.get_docstring(ast.parse(source)) or "", _cells(source))


def run_study(
    name: str,
    *,
    run: str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> StudyRun:
    """Run a study from top to bottom.

    Args:
        name: Its name.
        run: Model to study, a run folder or a shipped one; None for the study's own choice.
        out: Folder of its figures; None for ``studies/NAME``.
        progress: Called with (title of the cell, share of the cells that are done).

    Raises:
        UnknownNameError: There is no such study.
        ConfigurationError: The study takes no model of one's own.
    """
    study = read_study(name)
    folder = Path("studies") / name if out is None else Path(out)
    chosen: dict[str, Any] = {"out": folder} | ({} if run is None else {"run": fspath(run)})
    _check_parameters(study, chosen)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(study.path), "__doc__": study.text}
    code = [cell for cell in study.cells if not cell.is_text]
    for number, cell in enumerate(code):
        if progress is not None:
            progress(cell.title, number / len(code))
        # empty lines before the source keep the line numbers of an error those of the file
        exec(compile("\n" * (cell.first_line - 1) + cell.source, str(study.path), "exec"), names)
        if cell.title == PARAMETERS:
            folder.mkdir(parents=True, exist_ok=True)
            names |= chosen
    if progress is not None:
        progress("done", 1.0)
    return StudyRun(folder, names)


def export_study(name: str, out: str | PathLike[str] | None = None) -> Path:
    """Write a study as a Jupyter notebook; return the file."""
    study = read_study(name)
    path = Path(f"{name}.ipynb" if out is None else out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_notebook(study), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _check_parameters(study: Study, chosen: dict[str, Any]) -> None:
    """Check that the study has the names that are set for it; its file is not run."""
    source = "\n".join(cell.source for cell in study.cells if cell.title == PARAMETERS)
    assigned = {
        target.id
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    unknown = [name for name in chosen if name not in assigned]
    if unknown:
        raise ConfigurationError(f"study {study.name} takes no {unknown[0]}: it builds its own models.")


def _cells(source: str) -> tuple[Cell, ...]:
    """Cut a file at its marks; what stands before the first mark is its docstring."""
    lines = source.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("# %%")]
    cells = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        mark = _MARK.match(lines[start])
        assert mark is not None
        body = "\n".join(lines[start + 1 : end]).strip("\n")
        skipped = next((number for number in range(start + 1, end) if lines[number].strip()), start + 1)
        cells.append(Cell(mark[2].strip(), body, skipped + 1, is_text=mark[1] is not None))
    return tuple(cells)


def _notebook(study: Study) -> dict[str, Any]:
    """Return the notebook in nbformat 4.5."""
    title, _, rest = study.text.partition("\n")
    cells = [_notebook_cell("markdown", f"# {title}\n{rest}", 0)]
    for number, cell in enumerate(study.cells, 1):
        if cell.is_text:
            text = re.sub(r"^# ?", "", cell.source, flags=re.MULTILINE)
            cells.append(_notebook_cell("markdown", f"## {cell.title}\n\n{text}" if cell.title else text, number))
        else:
            cells.append(_notebook_cell("code", cell.source, number))
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def _notebook_cell(kind: str, source: str, number: int) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell | {"source": source.strip("\n").splitlines(keepends=True)}
