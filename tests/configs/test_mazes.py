"""`MazeSpec`: each impossible setting is refused and named."""

import json

import pytest

from maze_rl.configs.endpoints import parse_cells, parse_path_lengths
from maze_rl.configs.mazes import GenerationConfig, MazeSpec, spec_from_arguments, spec_from_json, spec_to_json
from maze_rl.configs.options import parse_option
from maze_rl.errors import ConfigurationError, MazeRLError, UnknownNameError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"algorithm": "percolation", "percolation": 1.5}, "percolation is 1.5: expected a probability, 0 to 1"),
        ({"algorithm": "dfs_percolation", "percolation": float("nan")}, "percolation is nan"),
        ({"accessible_cells": 1}, "accessible_cells is 1: expected a share"),
        ({"accessible_cells": 0.0}, "accessible_cells is 0.0"),
        ({"max_depth": 0}, "max_depth is 0: expected steps"),
        ({"forks": 1}, "forks is 1: expected true"),
        ({"algorithm": "braid", "braid": 2.0}, "braid is 2.0: expected a share"),
        ({"min_path_length": 0}, "min_path_length is 0"),
        ({"min_path_length": 5, "max_path_length": 4}, "max_path_length 4 is below min_path_length 5"),
        ({"sizes": (3, 9), "min_path_length": 9}, "no path of a 3 x 3 maze has more than 8 steps"),
    ],
)
def test_refuses(settings: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        spec_from_arguments(**settings)


def test_the_longest_path_a_grid_can_hold_is_allowed() -> None:
    assert spec_from_arguments(sizes=(3,), min_path_length=8).endpoints.min_path_length == 8


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"algorithm": "wilsen"}, "Did you mean 'wilson'"),
        ({"split": "validate"}, "Did you mean 'validation'"),
        ({"fork": False}, "unknown setting of dfs mazes 'fork'. Did you mean 'forks'"),
        ({"algorithm": "wilson", "percolation": 0.1}, "unknown setting of wilson mazes"),
    ],
)
def test_unknown_names_get_a_hint(settings: dict, hint: str) -> None:
    with pytest.raises(UnknownNameError, match=hint):
        spec_from_arguments(**settings)


def test_sizes_are_checked() -> None:
    with pytest.raises(MazeRLError, match="maze size 1 is out of bounds"):
        MazeSpec(sizes=(5, 1))


def test_settings_given_twice_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="options are given, and max_depth beside them"):
        spec_from_arguments(options={"forks": False}, max_depth=3)


def test_rectangles() -> None:
    assert MazeSpec(sizes=((4, 7), (5, 5))).sizes == ((4, 7), 5)
    assert MazeSpec(sizes=((4, 7), 5)).shapes == ((4, 7), (5, 5))


def test_what_is_left_out_is_at_its_default() -> None:
    assert MazeSpec(algorithm="dfs_percolation").options == {"percolation": 0.1}
    assert MazeSpec().options == {"accessible_cells": 1.0, "max_depth": None, "forks": True}


@pytest.mark.parametrize(
    "settings",
    [
        {"sizes": (4, 7), "algorithm": "dfs_percolation", "percolation": 0.3, "max_path_length": 9, "split": "test"},
        {"sizes": ((4, 6),), "origins": [(0, 0), (3, 5)], "path_lengths": {5: 1, 7: 2.5}, "origin": "dead_end"},
    ],
)
def test_json_round_trip(settings: dict) -> None:
    spec = spec_from_arguments(**settings)
    assert spec_from_json(json.loads(json.dumps(spec_to_json(spec)))) == spec


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("percolation=0.2", ("percolation", 0.2)),
        ("accessible_cells=20", ("accessible_cells", 20)),
        ("forks = False", ("forks", False)),
        ("max_depth=none", ("max_depth", None)),
    ],
)
def test_options_as_people_write_them(text: str, option: tuple) -> None:
    name, value = parse_option(text)
    assert (name, value, type(value)) == (*option, type(option[1]))


@pytest.mark.parametrize("text", ["percolation", "=3", "percolation=", "percolation=lots"])
def test_what_is_no_option_is_said(text: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        parse_option(text)


def test_endpoints_as_people_write_them() -> None:
    assert parse_path_lengths("5..7") == ((5, 1.0), (6, 1.0), (7, 1.0))
    assert parse_path_lengths("12") == ((12, 1.0),)
    assert parse_path_lengths("5:2,10:0.5") == ((5, 2.0), (10, 0.5))
    assert parse_cells("0,0;4,4") == ((0, 0), (4, 4))
    for parse, text in (
        (parse_path_lengths, "5:x"),
        (parse_path_lengths, "9..5"),
        (parse_cells, "0"),
        (parse_cells, ""),
    ):
        with pytest.raises(MazeRLError):
            parse(text)


def test_no_mazes_is_no_generation() -> None:
    with pytest.raises(ConfigurationError, match="num is 0"):
        GenerationConfig(num=0)
    with pytest.raises(ConfigurationError, match="first is -1"):
        GenerationConfig(first=-1)


def test_endpoints_may_be_names_and_values() -> None:
    told = spec_from_arguments(sizes=5, endpoints={"origins": [(0, 0)], "target": "dead_end"})
    assert told == spec_from_arguments(sizes=5, origins=[(0, 0)], target="dead_end")
    with pytest.raises(UnknownNameError, match="Did you mean 'origins'"):
        spec_from_arguments(sizes=5, endpoints={"orgins": [(0, 0)]})
    with pytest.raises(ConfigurationError, match="endpoints is 'dead_end': expected names and values"):
        spec_from_arguments(sizes=5, endpoints="dead_end")
