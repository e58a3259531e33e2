"""What users see: one family of errors, and the name they meant."""

import pytest

from maze_rl import errors
from maze_rl.errors import MazeRLError, UnknownNameError, unknown_name


@pytest.mark.parametrize("name", ["InvalidMazeError", "UnknownNameError", "CheckpointError", "ConfigurationError"])
def test_every_error_is_a_value_error(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, MazeRLError)
    assert issubclass(kind, ValueError)


def test_unknown_name_suggests_the_nearest_and_lists_all() -> None:
    error = unknown_name("loss", "pathonly", ["all", "path_only", "fork_weighted"])
    assert isinstance(error, UnknownNameError)
    assert str(error) == ("unknown loss 'pathonly'. Did you mean 'path_only'? Choices: all, fork_weighted, path_only.")


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert str(unknown_name("loss", "xyzzy", ["all", "path_only"])) == "unknown loss 'xyzzy'. Choices: all, path_only."
