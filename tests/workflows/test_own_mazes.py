"""Mazes of one's own, from every kind of file: evaluated, walked by a model, and drawn."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maze_rl.cli.main import run
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.evaluation.results import OWN, EvaluationResult
from maze_rl.evaluation.saved_results import result_from_json
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeCollection, collect
from maze_rl.mazes.splits import count_outside, maze_hashes
from maze_rl.models.model_files import load_model
from maze_rl.workflows.convert import load_mazes, save_mazes
from maze_rl.workflows.evaluate import evaluate
from maze_rl.workflows.own_mazes import read_own

FILES = Path(__file__).parents[1] / "mazes" / "interchange" / "files"
KINDS = ["folder", "mazes.npz", "mazes.parquet", "mazes.txt", "mazes.tokens", "tokens.txt"]


@pytest.fixture(scope="module")
def mazes() -> MazeCollection:
    """Fours and fives in one order, with cycles, some of them twice."""
    mixed = generate([4, 5], "dfs_percolation", num=16, seed=3)
    return mixed[[*range(16), 3, 3, 8]]


@pytest.fixture(scope="module")
def fives() -> MazeCollection:
    return generate([5], num=12, seed=1)


def saved(mazes: MazeCollection, folder: Path, name: str, model: Path | None) -> Path:
    """Save mazes as a kind of file; token text in the format of a model, under a suffix of its own or not."""
    if "tokens" not in name:
        return save_mazes(mazes, folder / name)
    tokenization = "unique_cells" if model is None else load_model(model).tokenization
    written = save_mazes(mazes, folder / "mazes.tokens", tokenizer=tokenization)
    return written.rename(folder / name)


def without_time(result: EvaluationResult) -> dict:
    return result.to_json() | {"seconds": 0.0}


def test_an_evaluation_is_of_exactly_these_mazes(mazes: MazeCollection, default_kind: Path) -> None:
    result = evaluate(default_kind, mazes=mazes)
    sizes = {4: [maze for maze in mazes if maze.shape == (4, 4)], 5: [maze for maze in mazes if maze.shape == (5, 5)]}
    assert [(row.size, row.num, row.in_training_range) for row in result.rows] == [
        (size, len(listed), size == 5) for size, listed in sizes.items()
    ]
    for row in result.rows:
        layouts = len(np.unique(maze_hashes(collect(sizes[row.size]).batches[0])))
        assert row.layouts == row.shortest.layouts == layouts <= row.num
        assert row.baselines["oracle"].value == 1.0
        assert {"manhattan", "untrained", "random_legal"} <= set(row.baselines)
    assert sum(row.layouts or 0 for row in result.rows) < len(mazes)  # those that occur twice count once
    assert (result.algorithm, result.by_algorithm) == (OWN, [])
    assert {row.size: row.shortest.num for row in result.by_loops} == {4: len(sizes[4]), 5: len(sizes[5])}
    inside = sum(count_outside(maze.as_batch(), "train") == 0 for maze in mazes)
    assert result.by_split is not None
    assert (result.by_split["train"], sum(result.by_split.values())) == (inside, len(mazes))
    assert result_from_json(json.loads(json.dumps(result.to_json()))) == result


def test_any_holder_of_mazes_is_evaluated_alike(mazes: MazeCollection, default_kind: Path, tmp_path: Path) -> None:
    model, some = load_model(default_kind), mazes[:10]
    expected = without_time(evaluate(model, mazes=some))
    file = save_mazes(some, tmp_path / "mazes")
    for same in (list(some), load_mazes(file), str(file)):
        assert without_time(evaluate(model, mazes=same)) == expected
    fours = some.by_shape()[4, 4][1]
    assert without_time(evaluate(model, mazes=fours)) == without_time(evaluate(model, 4, mazes=some))
    assert [row.num for row in evaluate(model, mazes=some, num=1).rows] == [1, 1]
    assert [row.num for row in evaluate(model, mazes=some[3]).rows] == [1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ([(2, 6)], "maze 4 of 2 x 6 cells cannot be evaluated: an evaluation is by size, of square mazes"),
        ([9], "maze 4 of 9 x 9 cells cannot be evaluated: the model's canvas has 8 x 8 cells"),
        ([(9, 3)], "maze 4 of 9 x 3 cells cannot be evaluated: the model's canvas has 8 x 8 cells"),
    ],
)
def test_the_first_maze_that_does_not_suit_is_named(
    change: list, expected: str, mazes: MazeCollection, default_kind: Path
) -> None:
    odd = MazeCollection.concatenate([mazes[:4], generate(change, num=3), mazes[4:8]])
    with pytest.raises(ConfigurationError) as caught:
        evaluate(default_kind, mazes=odd)
    assert str(caught.value) == f"{expected}; leave out such mazes (3)."


def test_a_maze_without_a_step_to_walk_does_not_suit(mazes: MazeCollection, default_kind: Path) -> None:
    still = Maze(mazes[2].connections, (0, 0), (0, 0))
    with pytest.raises(ConfigurationError, match=r"^maze 2 of .* its origin is its target"):
        evaluate(default_kind, mazes=[*mazes[:2], still])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"sizes": (5, 6)}, "size 6: mazes has none; those it has are 4,5"),
        ({"algorithm": "dfs"}, "algorithm is 'dfs', and mazes are given: leave out one"),
        ({"num": 0}, "num is 0"),
        ({"mazes": []}, "mazes is empty: give at least one maze"),
        ({"mazes": "no/such.npz"}, "no/such.npz: there is no such file"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    settings: dict, expected: str, mazes: MazeCollection, default_kind: Path
) -> None:
    with pytest.raises(MazeRLError, match=expected):
        evaluate(default_kind, **({"mazes": mazes} | settings))


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_is_read(name: str, fives: MazeCollection, default_kind: Path, tmp_path: Path) -> None:
    file = saved(fives, tmp_path, name, default_kind)
    grid = 5 if "tokens" in name else None
    read = read_own(file, load_model(default_kind).tokenization, grid)
    assert read == read_own(str(file), load_model(default_kind).tokenization, grid) == fives


@pytest.mark.parametrize("name", ["mazes", "tokens.txt"])
def test_a_file_is_evaluated(
    name: str, fives: MazeCollection, default_kind: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(fives, tmp_path, name, default_kind)
    grid = ["--grid", "5"] if "tokens" in name else []
    assert run(["evaluate", str(default_kind), "--mazes", str(file), *grid, "--num", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    expected = evaluate(default_kind, mazes=fives[:4])
    assert told["maze_digest"] == expected.maze_digest
    assert told["rows"] == expected.flat_rows()
    assert told["by_split"] == expected.by_split


def test_the_table_says_what_was_evaluated(
    mazes: MazeCollection, default_kind: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save_mazes(mazes, tmp_path / "mazes.npz")
    assert run(["evaluate", str(default_kind), "--mazes", str(file)]) == 0
    out = capsys.readouterr().out
    assert "mazes of your own" in out and "held-out" not in out
    assert "walls by split: " in out
    fours, fives = (sum(maze.shape == (size, size) for maze in mazes) for size in (4, 5))
    rows = [line.split() for line in out.splitlines() if line.strip()[:1] in ("4", "5")]
    assert [(row[0].rstrip("*"), int(row[1])) for row in rows] == [("4", fours), ("5", fives)]


@pytest.mark.parametrize(
    ("name", "index"), [("mazes", 3), ("mazes.npz", -1), ("tokens.txt", 1), ("maze.pixels.png", 0)]
)
def test_a_model_walks_a_maze_of_every_kind_of_file(
    name: str, index: int, fives: MazeCollection, default_kind: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = fives[:1] if name == "maze.pixels.png" else fives
    file = saved(chosen, tmp_path, name, default_kind)
    size = ["--size", "5"] if "tokens" in name else []
    assert run(["solve", str(default_kind), "--maze", str(file), *size, "--index", str(index), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    maze = chosen[index]
    assert (tuple(told["origin"]), tuple(told["target"])) == (maze.origin, maze.target)
    assert len(told["shortest_path"]) > 1


def test_a_rectangle_is_walked_too(default_kind: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = save_mazes(generate([(3, 6)], num=2), tmp_path / "mazes.npz")
    assert run(["solve", str(default_kind), "--maze", str(file)]) == 0
    assert f"maze 0 of 2 in {file}" in capsys.readouterr().out


@pytest.mark.parametrize("name", [*KINDS, "maze.pixels.png", "minimal_inline.zanj"])
def test_mazes_of_every_kind_of_file_are_drawn(
    name: str, fives: MazeCollection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name.endswith(".zanj"):
        file, chosen = FILES / name, load_mazes(FILES / name)
    else:
        chosen = fives[:1] if name == "maze.pixels.png" else fives
        file = saved(chosen, tmp_path, name, None)
    tokens = ["--grid", "5"] if "tokens" in name else []
    assert run(["show", str(file), *tokens, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["connections"] == chosen[0].connections.astype(int).tolist()
    assert run(["show", str(file), *tokens, "--num", "3", "--index", str(-min(2, len(chosen)))]) == 0
    last = len(chosen) - 1
    if last > 0:
        assert f"mazes {last - 1}..{last} of {len(chosen)} in {file}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["show", "mazes.npz", "--size", "5"], "--size is about mazes that are made: mazes.npz holds its own"),
        (["show", "mazes.npz", "--option", "forks=false"], "--option is about mazes that are made"),
        (["show", "mazes.npz", "--index", "5"], "mazes.npz: no maze 5 among 5: they are numbered 0 to 4"),
        (["show", "mazes.npz", "--num", "0"], "num is 0"),
        (["show", "--index", "2"], "--index is about mazes of your own: name their file"),
        (["show", "no.npz"], "no.npz: there is no such file or folder"),
        (["evaluate", "x", "--mazes", "no.npz"], "no.npz: there is no such file or folder"),
        (["evaluate", "x", "--grid", "5"], "--grid 5 is about token text of your own: name its file"),
        (["evaluate", "x", "--mazes", "mazes.npz", "--grid", "4,5"], "--grid is '4,5': expected one size"),
        (["solve", "x", "--maze", "no.npz"], "no.npz: there is no such file or folder"),
        (["solve", "x", "--index", "1"], "--index is about mazes of your own: name their file"),
        (["solve", "x", "--maze", "mazes.npz", "--seed", "1"], "--seed is about mazes that are made"),
        (["solve", "maze-5to9-causal", "--maze", "mazes.npz", "--size", "7"], "--size is 7, maze 0 of mazes.npz has 4"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments: list[str], expected: str, refused: Callable, tmp_path: Path) -> None:
    save_mazes(generate(4, num=5), tmp_path / "mazes.npz")
    refused(arguments, expected)
