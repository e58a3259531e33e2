"""The page beside the analyses is whole; its code runs in `tests/test_documentation.py`."""

from pathlib import Path

README = Path(__file__).parents[2] / "maze_rl" / "interp" / "README.md"


def test_no_placeholder_is_left() -> None:
    assert "@@" not in README.read_text()
