"""`maze-rl solve`: people see cells of the maze, the model's words lie at an offset that is told."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from maze_rl.cli.main import run
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.presets import SEARCHING
from maze_rl.evaluation.rollouts import roll_out
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.drawings import read_drawings
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.outcomes import Stop
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.solve import Walk, solve_with_model

SHIPPED = "maze-5to9-cpu"


def cells_of(text: str) -> list[tuple[int, int]]:
    return [(int(row), int(col)) for row, col in re.findall(r"\((-?\d+),(-?\d+)\)", text)]


def test_the_steps_printed_are_those_of_the_drawing(capsys: pytest.CaptureFixture[str]) -> None:
    seen = set()
    for seed in (0, 1, 2):
        assert run(["solve", SHIPPED, "--size", "5", "--seed", str(seed)]) == 0
        drawing, steps = capsys.readouterr().out.rsplit("\n", 3)[:2]
        (maze,) = read_drawings(drawing)
        cells = cells_of(steps)
        assert cells[0] == maze.origin
        assert all(after in maze.neighbours(before) for before, after in pairwise(cells))
        assert run(["solve", SHIPPED, "--size", "5", "--seed", str(seed), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert [tuple(cell) for cell in said["cells"]] == cells
        assert (tuple(said["origin"]), tuple(said["target"])) == (maze.origin, maze.target)
        row, col = said["offset"]
        words = [(r - row, c - col) for r, c in cells_of(" ".join(said["words"]))]
        assert words == cells[len(cells) - len(words) :], "words minus the offset are the cells"
        seen.add((row, col))
    assert len(seen) > 1


def walk(cells: list, stop: Stop, stray: str = "") -> Walk:
    maze = generate(4, num=1, seed=1)[0]
    from maze_rl.mazes.solve import solve

    return Walk(maze, solve(maze), cells, [], (3, 2), stop, stray)


def test_what_ended_a_walk_is_said_in_the_coordinates_of_the_maze() -> None:
    solution = walk([], Stop.END).solution
    path, steps = solution.path, solution.distance
    right = walk(path, Stop.END)
    assert right.steps == [*(f"({row},{col})" for row, col in path), "<PATH_END>"]
    assert right.verdict == f"a shortest path: {steps} steps"
    early = walk(path[:2], Stop.MALFORMED_CELL, "(-1,0)")
    assert early.steps[2:] == [">>(-1,0)<<"]
    assert early.verdict == f"writes (-1,0) after 2 cells, which leads out of the maze (shortest: {steps} steps)"
    unread = walk(path[:2], Stop.MALFORMED_TOKEN, "<PADDING>")
    assert unread.verdict == f"writes <PADDING> after 2 cells, which names no cell (shortest: {steps} steps)"
    assert walk(path[:2], Stop.OVER_BUDGET).steps[2:] == ["..."]
    wrong = walk([path[0], path[1], path[0]], Stop.END)
    assert wrong.first_wrong == 2 and wrong.steps[2] == f">>({path[0][0]},{path[0][1]})<<"


@pytest.mark.parametrize("name", ["coordinate_tuples", "row_column", "cells", "unique_cells"])
@pytest.mark.parametrize("options", [{}, {"path": "moves"}, {"origin": "path"}])
def test_every_format_is_told_in_cells(name: str, options: dict[str, str]) -> None:
    """An untrained model writes anything: each word read is a cell of the walk, what is no cell stands behind them."""
    tokenization = load_tokenization(name, canvas=7, random_offsets=True, **options)
    model = build_model(replace(SEARCHING, embedding="free", loops=1, d_model=16, n_heads=2), tokenization)
    for maze in generate(3, num=4, seed=5):
        found = solve_with_model(model, maze, seed=3)
        assert cells_of(" ".join(found.steps))[: len(found.cells)] == found.cells
        assert len(found.steps) == len(found.cells) + 1
        size, skipped = tokenization.layout.tokens_per_step, int(tokenization.layout.starts_at_origin)
        rest = found.words[size * (len(found.cells) - skipped) :][:size]
        if found.stop == Stop.MALFORMED_CELL and not options.get("path"):
            place = tokenization.layout.words_from_cells[" ".join(rest)]
            assert found.stray == f"({place[0] - found.offset[0]},{place[1] - found.offset[1]})"
        elif found.stop == Stop.MALFORMED_TOKEN:
            assert found.stray in (" ".join(rest), found.stray)
        assert bool(found.stray) == (found.stop in (Stop.MALFORMED_CELL, Stop.MALFORMED_TOKEN))


@pytest.mark.parametrize("name", ["unique_cells", "row_column"])
def test_an_origin_that_was_never_learned_is_given_as_in_rollouts(name: str) -> None:
    """A loss that leaves the origin out leaves nothing to write it by: a walk begins with it all the same."""
    tokenization = load_tokenization(name, canvas=6, random_offsets=True)
    model = build_model(ModelConfig(n_layers=1, d_model=16, n_heads=2, embedding="free"), tokenization, seed=2)
    model.about = {"loss": "path_from_first_choice"}
    for maze in generate(4, num=6, seed=3):
        found, solution = solve_with_model(model, maze, seed=5), solve_batch(maze.as_batch())
        walked = roll_out(model, solution, seed=5, batch_size=1, decode=decode_paths)
        assert found.cells[0] == maze.origin
        cells = [tuple(cell) for cell in walked.cells[0, : walked.num_cells[0]].tolist()]
        assert found.cells[: len(cells)] == cells  # which are broken off where they go astray
        size = tokenization.layout.tokens_per_cell
        row, col = (place + shift for place, shift in zip(maze.origin, found.offset, strict=True))
        assert found.words[:size] == [tokenization.vocabulary[i] for i in tokenization.layout.cell_tokens[row, col]]


def test_prompts_at_an_offset_are_read_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from maze_rl import load_model

    model, maze = load_model(SHIPPED), generate(5, num=1, seed=8)[0]
    text = model.tokenization.to_text(maze, offset=(4, 3))
    (tmp_path / "prompt.txt").write_text(text)
    assert run(["solve", SHIPPED, "--size", "5", "--maze", str(tmp_path / "prompt.txt"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (tuple(said["origin"]), tuple(said["target"])) == (maze.origin, maze.target)
