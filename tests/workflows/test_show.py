"""`maze-rl show`: galleries, marks, files, and what is said about wrong input."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from maze_rl.cli.main import run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.mazes.generate import generate
from maze_rl.workflows.show import draw_text, show_mazes


def test_a_gallery_is_the_first_mazes_of_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--size", "5", "--num", "4", "--seed", "7", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["mazes"]
    expected = generate(5, num=4, seed=7)
    assert [each["connections"] for each in shown] == [maze.connections.astype(int).tolist() for maze in expected]
    assert run(["show", "--size", "5", "--seed", "7", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == shown[0]


def test_figures_of_a_maze() -> None:
    (shown,) = show_mazes(MazeSpec(sizes=(2,)), num=1, seed=1)
    # four cells in a row, bent: no fork, an end on either side
    assert (shown.forks, shown.dead_ends) == (0, 2)
    (steps, paths), cells = shown.captions[0].split(", "), shown.captions[1]
    assert int(steps.split()[0]) == shown.solution.distance
    assert (paths, cells) == ("1 shortest path", "0 forks, 2 dead ends")


def test_as_many_as_fit_stand_side_by_side() -> None:
    shown = show_mazes(MazeSpec(sizes=(9,)), num=3)
    for width, together in ((37, 1), (80, 2), (200, 3)):
        drawn = draw_text(shown, ("solution",), width)
        assert max(map(len, drawn.split("\n"))) <= max(37, width)
        assert sum(line.startswith("┌") for line in drawn.split("\n")) == -(-3 // together)


def test_marks_are_explained_where_there_are_several(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--size", "6", "--mark", "forks,dead_ends,solution"]) == 0
    out = capsys.readouterr().out
    assert "◆ fork   × dead end" in out
    assert "\033[" not in out, "no colours where the output is no terminal"
    assert run(["show", "--size", "6", "--mark", "none"]) == 0
    assert "·" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["maze.png", "maze.svg", "sub/maze.txt"])
def test_drawings_in_files_are_the_same_every_time(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "first" / name, tmp_path / "second" / name]
    arguments = ["show", "--size", "4", "--num", "2", "--mark", "solution,distances,all_paths,forks,dead_ends"]
    for file in files:
        assert run([*arguments, "--out", str(file)]) == 0
    if files[0].suffix != ".svg":  # matplotlib's ids in an .svg are random
        assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size > 300
    assert f"drawn to {files[1]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--mark", "sloution"], "Did you mean 'solution'"),
        (["--mark", "none,forks"], "nothing can stand beside it"),
        (["--num", "0"], "num is 0"),
        (["--algorithm", "dsf"], "Did you mean 'dfs'"),
        (["--out", "maze.bmp"], "drawings are .png, .svg or .txt files"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments: list[str], expected: str, refused: Callable) -> None:
    refused(["show", *arguments], expected)


@pytest.mark.parametrize("name", ["maze.PNG", "maze.TXT"])
def test_a_suffix_may_be_in_capitals(name: str, tmp_path: Path) -> None:
    files = [tmp_path / name, tmp_path / name.lower().replace("maze", "small")]
    for file in files:
        assert run(["show", "--size", "4", "--out", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_output_that_lacks_a_character_gets_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    assert run(["show", "--size", "4"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        r"maze-rl: the output is written as cp1252, which lacks '\u250c': set PYTHONIOENCODING=utf-8"
    )
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    monkeypatch.setattr("maze_rl.workflows.show.draw_text", lambda *given: "\udcff")
    assert run(["show", "--size", "4"]) == 2
    assert "the name of a file holds bytes that are no text" in capsys.readouterr().err
