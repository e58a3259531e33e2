"""The README is true: its Python example runs, its commands parse, its numbers carry the commands that make them."""

import re
import shlex
from pathlib import Path

import pytest

from maze_rl.cli.arguments import build_parser
from maze_rl.cli.main import OneLineParser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language; a fence is matched with its end, so that prose between blocks is none."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [text for kind, text in fences if kind == language]


def test_the_python_examples_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for example in blocks("python"):
        exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert printed.rstrip().endswith("<PATH_END>")
    assert "torch.Size([1, 4," in printed
    assert "Estimate(value=" in printed


def test_every_command_parses() -> None:
    lines = [line.split("  (")[0] for block in blocks("") for line in block.splitlines() if line.startswith("maze-rl ")]
    lines += re.findall(r"`(maze-rl [a-z][^`]+)`", README)
    assert len(lines) > 9
    for line in lines:
        arguments = shlex.split(line)[1:]
        chosen = build_parser(OneLineParser).parse_args(arguments)
        assert hasattr(chosen, "handler"), line


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
