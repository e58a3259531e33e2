"""The layout: what lies where, how long a file may be, and whether the READMEs' lists of files are true."""

import ast
import fnmatch
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "maze_rl"
SHIPPED = PACKAGE / "_shipped"

TOP_LEVEL = {
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "constraints.txt",
    "maze_rl",
    "tokenizers",
    "experiments",
    "analysis",
    "tests",
}
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
MAX_FILE_LINES = 400


def modules() -> list[Path]:
    """Every Python file of the library, data left out."""
    return sorted(path for path in PACKAGE.rglob("*.py") if SHIPPED not in path.parents)


def named(paths: Iterable[Path]) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def assert_none(faults: list[str], rule: str) -> None:
    assert not faults, f"{rule}:\n  " + "\n  ".join(faults)


def test_tokenizers_holds_no_code() -> None:
    code = (ROOT / "tokenizers").rglob("*.py")
    assert_none(named(code), "tokenizers/ is data: Python there would shadow Hugging Face's")


@pytest.mark.parametrize("folder", ["tokenizers", "experiments", "analysis", "tests"])
def test_folder_is_not_a_package(folder: str) -> None:
    assert_none(named((ROOT / folder).rglob("__init__.py")), f"{folder}/ is no package")


def test_names_of_the_other_folders_are_not_used_again() -> None:
    inside = [path for top in (PACKAGE, ROOT / "tests") for path in top.rglob("*") if SHIPPED not in path.parents]
    taken = [
        path for path in inside if path.suffix in ("", ".py") and path.stem in ("tokenizers", "experiments", "analysis")
    ]
    assert_none(named(taken), "These names belong to the folders of the top level")


def third_party_names() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = chain(project["dependencies"], *project["optional-dependencies"].values())
    return {re.split(r"[^\w-]", requirement)[0].replace("-", "_") for requirement in declared}


def test_module_names_say_what_is_inside() -> None:
    taken = VAGUE | sys.stdlib_module_names | third_party_names()
    packages = {path.parent for path in modules()} - {PACKAGE}
    faults = named(path for path in {*modules(), *packages} if path.stem in taken)
    assert_none(faults, "Named vaguely, or like a standard or third-party module")


def test_every_module_has_a_docstring() -> None:
    faults = named(path for path in modules() if not ast.get_docstring(ast.parse(path.read_text())))
    assert_none(faults, "Modules without a docstring")


def test_files_are_short() -> None:
    faults = named(path for path in modules() if len(path.read_text().splitlines()) > MAX_FILE_LINES)
    assert_none(faults, f"Longer than {MAX_FILE_LINES} lines")


def top_level_files() -> set[str]:
    """Names at the top level that are neither hidden nor ignored; git says which, in a git checkout."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        names = {line.strip('"').split("/")[0] for line in listed}
        names = {name for name in names if (ROOT / name).exists()}
    else:
        patterns = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
        names = {path.name for path in ROOT.iterdir()}
        names = {name for name in names if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns)}
    return {name for name in names if not name.startswith(".")}


def test_top_level_is_fixed() -> None:
    found = top_level_files()
    assert found == TOP_LEVEL, f"missing: {sorted(TOP_LEVEL - found)}; extra: {sorted(found - TOP_LEVEL)}"


def test_tokenizers_is_hugging_faces_from_the_root() -> None:
    code = "import tokenizers; tokenizers.Tokenizer; print(tokenizers.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ROOT / "tokenizers" not in Path(done.stdout.strip()).parents


def test_lists_of_files_in_the_readmes_are_true(load_script: Callable[..., ModuleType]) -> None:
    wanted = load_script("folder_readmes", "tests").readmes(PACKAGE)
    stale = named(path for path, text in wanted.items() if not path.exists() or path.read_text() != text)
    assert_none(stale, "Not the files and docstrings of the folder; run `python tests/folder_readmes.py`")


def test_a_list_of_files_is_made_from_docstrings(
    tmp_path: Path, load_script: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "house"
    for name, docstring in {
        "__init__.py": "A house.",
        "roof.py": "Keeps rain out.\n\nOf tiles.",
        "cellar/__init__.py": "Below.",
        "cellar/cask.py": "Wine.",
        "cellar/deep/__init__.py": "Further below.",
        "cellar/deep/well.py": "Water.",
        "_shipped/model.json": "",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(f'"""{docstring}"""\n')
    (package / "README.md").write_text("By hand.\n")
    lists = load_script("folder_readmes", "tests")
    monkeypatch.setattr(lists, "PACKAGE", package)

    def written() -> list[str]:
        for path, text in lists.readmes(package).items():
            path.write_text(text)
        return [(folder / "README.md").read_text() for folder in (package, package / "cellar")]

    house, cellar = written()
    assert house == (
        "By hand.\n\n<!-- files -->\n## Files\n\n- [`cellar/`](cellar/README.md): Below.\n"
        "- `roof.py`: Keeps rain out.\n<!-- /files -->\n"
    )
    assert cellar == (
        "# house/cellar\n\nBelow.\n\n<!-- files -->\n## Files\n\n- `cask.py`: Wine.\n\n### deep/\n\n"
        "Further below.\n\n- `well.py`: Water.\n<!-- /files -->\n"
    )
    assert written() == [house, cellar]
    (package / "README.md").write_text(house + "After it, by hand.\n")
    (package / "roof.py").write_text('"""Leaks."""')
    assert written()[0] == house.replace("Keeps rain out.", "Leaks.") + "After it, by hand.\n"
