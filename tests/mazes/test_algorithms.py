"""Algorithms of one's own: found by name, as reproducible as ours, and checked."""

import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from maze_rl.configs.algorithms import ALGORITHMS
from maze_rl.configs.mazes import MazeSpec
from maze_rl.errors import ConfigurationError, InvalidMazeError, UnknownNameError
from maze_rl.mazes import algorithms
from maze_rl.mazes.algorithms import GENERATORS
from maze_rl.mazes.generate import generate, generate_mazes


def sidewinder(rows: int, cols: int, random: np.random.Generator, east: float = 0.5) -> np.ndarray:
    """Carve row by row: runs to the right, one way up from each."""
    connections = np.zeros((2, rows, cols), np.bool_)
    for row in range(rows):
        run = []
        for col in range(cols):
            run.append(col)
            if col < cols - 1 and (row == 0 or random.random() < east):
                connections[1, row, col] = True
            elif row > 0:
                connections[0, row - 1, run[random.integers(len(run))]] = True
                run = []
    return connections


@pytest.fixture
def module() -> Iterator[str]:
    """A module `own_mazes` that can be imported and holds `sidewinder`."""
    found = types.ModuleType("own_mazes")
    found.sidewinder = sidewinder  # type: ignore[attr-defined]
    found.number = 3  # type: ignore[attr-defined]
    sys.modules["own_mazes"] = found
    yield "own_mazes"
    del sys.modules["own_mazes"]


def test_every_algorithm_named_in_the_configuration_exists() -> None:
    assert set(GENERATORS) == set(ALGORITHMS)


def test_a_function_makes_mazes_that_depend_on_their_index_alone() -> None:
    whole = list(generate([4, (3, 6)], sidewinder, num=30, seed=5))
    alone = [generate([4, (3, 6)], sidewinder, num=1, seed=5, first=index)[0] for index in range(30)]
    assert alone == whole
    assert len(set(whole)) > 25
    assert all(maze.connections.sum() == maze.shape[0] * maze.shape[1] - 1 for maze in whole)


def test_attempts_draw_different_mazes() -> None:
    # two thirds of an attempt's mazes are thrown away: were every attempt the same, none would ever be found
    mazes = generate(5, sidewinder, num=40, split="train", min_path_length=6)
    assert len(set(mazes)) > 35


def test_a_function_is_found_by_its_name(module: str) -> None:
    named = generate(4, f"{module}:sidewinder", num=5)
    assert list(named) == list(generate(4, sidewinder, num=5))


def test_options_reach_the_function(module: str) -> None:
    spec = MazeSpec(sizes=(5,), algorithm=f"{module}:sidewinder", options={"east": 1.0})
    for maze in generate_mazes(spec, np.arange(4), 0):
        assert maze.connections[1, :, :-1].all()


def test_a_registered_function_is_an_algorithm(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("sidewinder", f"{module}:sidewinder", "maze_rl.generators")
    monkeypatch.setattr("maze_rl.configs.algorithms.entry_points", lambda group: [point])
    assert list(generate(4, "sidewinder", num=3)) == list(generate(4, sidewinder, num=3))
    with pytest.raises(UnknownNameError, match="Did you mean 'sidewinder'"):
        generate(4, "sidewinders")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_mazes:nothing", "own_mazes:nothing: cannot be imported"),
        ("no_such_module:carve", "cannot be imported"),
        (":carve", "cannot be imported"),
        ("own_mazes:number", "expected a function, got 3"),
    ],
)
def test_a_name_that_leads_nowhere_is_one_clear_error(name: str, message: str, module: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        generate(4, name, num=1)


def broken(rows: int, cols: int, random: np.random.Generator) -> np.ndarray:
    raise ZeroDivisionError("by design")


def test_what_a_function_raises_is_one_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="broken: ZeroDivisionError: by design"):
        generate(4, broken, num=1)
    with pytest.raises(ConfigurationError, match=r"sidewinder: TypeError: .*wind"):
        generate(4, sidewinder, num=1, wind=3)


def leaky(rows: int, cols: int, random: np.random.Generator) -> np.ndarray:
    return np.ones((2, rows, cols), np.bool_)


def numbers(rows: int, cols: int, random: np.random.Generator) -> np.ndarray:
    return np.zeros((2, rows, cols))


def small(rows: int, cols: int, random: np.random.Generator) -> np.ndarray:
    return np.zeros((2, 2, 2), np.bool_)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (leaky, "leaky: connections lead downward from the last row"),
        (numbers, r"numbers: expected Bool\[2, 5, 5\], got float64"),
        (small, r"small: expected Bool\[2, 5, 5\], got bool of shape \(2, 2, 2\)"),
    ],
)
def test_what_a_function_carves_is_checked(function, message: str) -> None:
    with pytest.raises(InvalidMazeError, match=message):
        generate(5, function, num=1)


def test_the_shipped_algorithms_are_known_without_any_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(group: str) -> list:
        raise AssertionError("looked up")

    monkeypatch.setattr("maze_rl.configs.algorithms.entry_points", refuse)
    assert algorithms.find_generator("prim") is GENERATORS["prim"]
    MazeSpec(algorithm="prim")
