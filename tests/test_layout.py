"""The layout: what lies where, how long a file may be, and whether the README's tree is true."""

import ast
import fnmatch
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "maze_rl"
SHIPPED = PACKAGE / "_shipped"

TOP_LEVEL = {
    "pyproject.toml", "README.md", "LICENSE", "constraints.txt",
    "maze_rl", "tokenizers", "experiments", "analysis", "tests",
}  # fmt: skip
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


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


def long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines"


def test_functions_are_short() -> None:
    faults = [fault for path in modules() for fault in long_functions(path)]
    assert_none(faults, f"Longer than {MAX_FUNCTION_LINES} lines")


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


def tree_on_disk(package: Path) -> set[str]:
    """The folders and modules of a package, as `name/sub/` and `name/sub/module.py`.

    An `__init__.py` is not named: the line of its folder stands for it.
    """
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    python = [path for path in files if path.suffix == ".py" and package / "_shipped" not in path.parents]
    inside = [path.relative_to(package).parts for path in files]
    first_level = {package / parts[0] for parts in inside if len(parts) > 1}
    folders = {package, *first_level, *(path.parent for path in python)}
    top = package.parent
    return {f"{folder.relative_to(top).as_posix()}/" for folder in folders} | {
        path.relative_to(top).as_posix() for path in python if path.name != "__init__.py"
    }


def tree_in_text(text: str, top: str = "maze_rl/") -> tuple[set[str], list[str]]:
    """The names under `top` in the tree between the markers, and the lines that are faulty.

    A line is an indented name, two or more spaces and a comment. Lines above `top` in the tree and those of
    other top-level names are passed over, and so are `__init__.py` lines.
    """
    match = re.search(r"<!-- tree -->(.*?)<!-- /tree -->", text, re.DOTALL)
    if match is None:
        return set(), ["the markers <!-- tree --> and <!-- /tree --> are missing"]
    names, faults, parents = set(), [], []
    for line in match[1].splitlines():
        if not line.strip() or line.startswith("```"):
            continue
        entry = re.fullmatch(r"( *)(\S+)(?: {2,}\S.*)", line)
        if entry is None:
            faults.append(f"not 'name  comment': {line!r}")
            continue
        indent, name = len(entry[1]), entry[2]
        parents = [(depth, parent) for depth, parent in parents if depth < indent]
        path = "".join(parent for _, parent in parents) + name
        if name.endswith("/"):
            parents.append((indent, name))
        if path in names:
            faults.append(f"named twice: {path}")
        if path.startswith(top) and name != "__init__.py":
            names.add(path)
    return names, faults


def test_tree_of_the_readme_is_true() -> None:
    named_there, faults = tree_in_text((ROOT / "README.md").read_text())
    on_disk = tree_on_disk(PACKAGE)
    missing, extra = sorted(on_disk - named_there), sorted(named_there - on_disk)
    assert not (missing or extra or faults), (
        f"The tree in README.md differs from maze_rl/.\n  missing in the README: {missing}\n"
        f"  in the README, not on disk: {extra}\n  lines: {faults}"
    )


def test_the_tree_parser_itself(tmp_path: Path) -> None:
    for name in ("__init__.py", "errors.py", "mazes/__init__.py", "mazes/solve.py", "_shipped/models/x.json"):
        path = tmp_path / "maze_rl" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    lines = [
        "<!-- tree -->",
        "```",
        "maze_rl/            the library",
        "  __init__.py       the dozen names people use",
        "  errors.py         what users did wrong",
        "  mazes/            what a maze is",
        "    solve.py        breadth-first",
        "  _shipped/         models",
        "tokenizers/         vocabularies",
        "```",
        "<!-- /tree -->",
    ]
    assert tree_in_text("\n".join(lines)) == (tree_on_disk(tmp_path / "maze_rl"), [])
    assert tree_in_text("\n".join(lines[:6] + lines[7:]))[0] == tree_on_disk(tmp_path / "maze_rl") - {
        "maze_rl/mazes/solve.py"
    }
    assert tree_in_text("\n".join([*lines[:6], "    gone.py         x", "    bare.py", *lines[6:]])) == (
        tree_on_disk(tmp_path / "maze_rl") | {"maze_rl/mazes/gone.py"},
        ["not 'name  comment': '    bare.py'"],
    )
