"""The code of the README beside the analyses runs as it stands."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "maze_rl" / "interp" / "README.md"


def test_the_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "torch.Size(" in printed and "pairs solved in both mazes" in printed and "'fork'" in printed


def test_no_placeholder_is_left() -> None:
    assert "@@" not in README.read_text()
