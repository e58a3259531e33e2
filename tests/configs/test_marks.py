"""Names of marks: what is read, and what is said about a wrong one."""

import pytest

from maze_rl.configs.marks import parse_marks
from maze_rl.errors import MazeRLError


def test_names_keep_their_order_once_each() -> None:
    assert parse_marks("forks, solution,forks") == ("forks", "solution")
    assert parse_marks("dead-ends") == ("dead_ends",)
    assert parse_marks("none") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("sloution", "Did you mean 'solution'"), ("", "unknown mark ''"), ("none,forks", "nothing can stand beside it")],
)
def test_wrong_names(text: str, expected: str) -> None:
    with pytest.raises(MazeRLError, match=expected):
        parse_marks(text)
