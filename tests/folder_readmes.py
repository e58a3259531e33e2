"""The lists of files in the folders' READMEs, from docstrings: ``python tests/folder_readmes.py`` writes them anew.

A list stands between two markers; what is outside them is written by hand and kept. `tests/test_layout.py` checks that
no list is out of date.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "maze_rl"
START, END = "<!-- files -->", "<!-- /files -->"


def readmes(package: Path) -> dict[Path, str]:
    """Return what each README must say: that of `package`, and that of every package right inside it.

    One that is missing begins with the folder's docstring.
    """
    inner = sorted(path.parent for path in package.glob("*/__init__.py"))
    sections = {package: _section([*_links(inner), *_modules(package)])}
    sections |= {folder: _section([*_files(folder)]) for folder in inner}
    return {folder / "README.md": _with_section(folder, section) for folder, section in sections.items()}


def _with_section(folder: Path, section: str) -> str:
    readme = folder / "README.md"
    if readme.exists():
        text = readme.read_text()
    else:
        text = f"# {folder.relative_to(PACKAGE.parent)}\n\n{_docstring(folder / '__init__.py')}\n"
    before, start, rest = text.partition(START)
    return before + section + rest.partition(END)[2] if start else f"{text.rstrip()}\n\n{section}\n"


def _section(lines: list[str]) -> str:
    return "\n".join([START, "## Files", "", *lines, END])


def _files(folder: Path) -> Iterator[str]:
    """A line per module, and then a heading per folder further in, with the lines of its modules."""
    yield from _modules(folder)
    for inner in sorted(path.parent for path in folder.rglob("*/__init__.py")):
        yield from ("", f"### {inner.relative_to(folder).as_posix()}/", "", _title(inner / "__init__.py"), "")
        yield from _modules(inner)


def _modules(folder: Path) -> Iterator[str]:
    # the line of an __init__.py is that of its folder
    modules = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    return (f"- `{path.name}`: {_title(path)}" for path in modules)


def _links(folders: list[Path]) -> Iterator[str]:
    return (f"- [`{path.name}/`]({path.name}/README.md): {_title(path / '__init__.py')}" for path in folders)


def _title(module: Path) -> str:
    return _docstring(module).partition("\n")[0]


def _docstring(module: Path) -> str:
    return ast.get_docstring(ast.parse(module.read_text())) or ""


if __name__ == "__main__":
    for path, text in readmes(PACKAGE).items():
        path.write_text(text)
