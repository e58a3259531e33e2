"""`MazeSpec`: each impossible setting is refused and named."""

import json

import pytest

from maze_rl.configs.mazes import GenerationConfig, MazeSpec, spec_from_json, spec_to_json
from maze_rl.errors import ConfigurationError, MazeRLError, UnknownNameError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"percolation": 1.5}, "percolation is 1.5: it is a probability"),
        ({"percolation": float("nan")}, "percolation is nan"),
        ({"min_path_length": 0}, "min_path_length is 0"),
        ({"min_path_length": 5, "max_path_length": 4}, "max_path_length 4 is below min_path_length 5"),
        ({"sizes": (3, 9), "min_path_length": 9}, "no path of a 3 x 3 maze has more than 8 steps"),
    ],
)
def test_refuses(settings: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        MazeSpec(**settings)


def test_the_longest_path_a_grid_can_hold_is_allowed() -> None:
    assert MazeSpec(sizes=(3,), min_path_length=8).min_path_length == 8


@pytest.mark.parametrize(
    ("settings", "hint"),
    [({"algorithm": "wilsen"}, "Did you mean 'wilson'"), ({"split": "validate"}, "Did you mean 'validation'")],
)
def test_unknown_names_get_a_hint(settings: dict, hint: str) -> None:
    with pytest.raises(UnknownNameError, match=hint):
        MazeSpec(**settings)


def test_sizes_are_checked() -> None:
    with pytest.raises(MazeRLError, match="maze size 1 is out of bounds"):
        MazeSpec(sizes=(5, 1))


def test_json_round_trip() -> None:
    spec = MazeSpec(sizes=(4, 7), algorithm="dfs_percolation", percolation=0.3, max_path_length=9, split="test")
    assert spec_from_json(json.loads(json.dumps(spec_to_json(spec)))) == spec


def test_no_mazes_is_no_generation() -> None:
    with pytest.raises(ConfigurationError, match="num is 0"):
        GenerationConfig(num=0)
