"""The README is whole: the first commands, the folders, the links; its commands run in `test_documentation.py`."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language; a fence is matched with its end, so that prose between blocks is none."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [text for kind, text in fences if kind == language]


def test_the_first_two_commands_are_the_ones_promised() -> None:
    setup, check = blocks("")[0].splitlines()
    assert setup == "pip install -c constraints.txt -e . && maze-rl train --loss path_only --sizes 5..9"
    assert check == 'pip install -c constraints.txt -e ".[test]" && python -m pytest'


def test_every_folder_of_the_library_has_a_line() -> None:
    lines = re.findall(r"^\| \[`(\w+)`\]\(maze_rl/(\w+)/README\.md\) \| \S", README, re.MULTILINE)
    folders = sorted(path.parent.name for path in (ROOT / "maze_rl").glob("*/__init__.py"))
    assert sorted(lines) == [(folder, folder) for folder in folders]


def test_every_link_to_a_file_leads_to_one() -> None:
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", README) if "://" not in target]
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_no_placeholder_is_left() -> None:
    assert "@@" not in README
