"""Sizes and other ranges as people give them: as the command line writes them, ints, ranges, lists, arrays."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maze_rl
from maze_rl.configs.endpoints import endpoints_from
from maze_rl.configs.experiment import small_run
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.configs.ranges import check_ints, check_size, check_sizes, check_square, check_squares
from maze_rl.configs.training import least_and_most
from maze_rl.errors import MazeRLError
from maze_rl.evaluation.by_algorithm import evaluate_algorithms
from maze_rl.evaluation.by_loops import evaluate_loops
from maze_rl.evaluation.evaluator import evaluate_model
from maze_rl.interp.inputs.patching_pairs import make_pairs
from maze_rl.mazes.flip_pairs import find_flip_pairs
from maze_rl.models.build import MazeTransformer
from maze_rl.workflows.convert import convert
from maze_rl.workflows.evaluate import test_sizes as sizes_tested
from maze_rl.workflows.run import configured
from maze_rl.workflows.solve import draw_maze

SEVERAL = {
    "text": lambda: "3..5",
    "texts": lambda: ["3", "4..5"],
    "range": lambda: range(3, 6),
    "list": lambda: [3, 4, 5],
    "tuple": lambda: (3, 4, 5),
    "generator": lambda: (size for size in (3, 4, 5)),
    "array": lambda: np.arange(3, 6),
    "numpy integers": lambda: [np.int64(3), np.int32(4), np.uint8(5)],
}
ONE = {
    "int": 4,
    "text": "4",
    "range": range(4, 5),
    "list": [4],
    "numpy integer": np.int64(4),
    "array": np.array([4]),
    "array without axes": np.array(4),
}
RECTANGLES = {
    "text": "4x7",
    "texts": ["4x7"],
    "pair": [(4, 7)],
    "lists": [[4, 7]],
    "array": np.array([[4, 7]]),
    "arrays": [np.array([4, 7])],
    "numpy integers": [(np.int64(4), np.int8(7))],
}
RECTANGLE = {"text": "4x7", "pair": (4, 7), "list": [4, 7], "array": np.array([4, 7])}


@pytest.fixture(scope="module")
def looped(default_kind: Path) -> MazeTransformer:
    return maze_rl.load_model(default_kind)


def sizes_of(rows: Sequence[Any]) -> list[int]:
    return sorted({row.size for row in rows})


TAKES_SIZES: dict[str, Callable[[Any, MazeTransformer], Sequence[Any]]] = {
    "check_sizes": lambda sizes, model: check_sizes(sizes),
    "check_squares": lambda sizes, model: check_squares(sizes),
    "check_ints": lambda sizes, model: check_ints("sizes", sizes),
    "generate": lambda sizes, model: sorted({maze.shape[0] for maze in maze_rl.generate(sizes, num=40)}),
    "MazeSpec": lambda sizes, model: spec_from_arguments(sizes=sizes).sizes,
    "train": lambda sizes, model: configured(**_nothing(sizes)).sizes,
    "small_run": lambda sizes, model: small_run(sizes).sizes,
    "evaluate": lambda sizes, model: sizes_tested(model, sizes),
}


def _nothing(sizes: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("algorithm", "data", "plan", "start_from", "steps", "lora"))
    return nothing | {"sizes": sizes, "seed": 0, "device": "cpu", "loss": "path_only", "rounds": 0}


@pytest.mark.parametrize("kind", SEVERAL)
@pytest.mark.parametrize("name", TAKES_SIZES)
def test_several_sizes_in_every_way(name: str, kind: str, looped: MazeTransformer) -> None:
    if kind != "texts" or name != "check_ints":  # which reads one text alone
        assert tuple(TAKES_SIZES[name](SEVERAL[kind](), looped)) == (3, 4, 5)


@pytest.mark.parametrize("kind", ONE)
@pytest.mark.parametrize("name", TAKES_SIZES)
def test_one_size_in_every_way(name: str, kind: str, looped: MazeTransformer) -> None:
    assert tuple(TAKES_SIZES[name](ONE[kind], looped)) == (4,)


@pytest.mark.parametrize("sizes", ["3..4", np.arange(3, 5)], ids=["text", "array"])
def test_evaluations_take_sizes_in_every_way(sizes: Any, looped: MazeTransformer) -> None:
    asked: dict[str, Any] = {"sizes": sizes, "num": 1, "split": None}
    assert sizes_of(evaluate_model(looped, **asked).rows) == [3, 4]
    assert sizes_of(evaluate_algorithms(looped, algorithms=["dfs"], **asked)) == [3, 4]
    rows = evaluate_loops(looped, loops="1..2", **asked)
    assert (sizes_of(rows), sorted({row.loops for row in rows})) == ([3, 4], [1, 2])


@pytest.mark.parametrize("kind", RECTANGLES)
def test_rectangles_in_every_way(kind: str) -> None:
    assert {maze.shape for maze in maze_rl.generate(RECTANGLES[kind], num=2)} == {(4, 7)}
    assert spec_from_arguments(sizes=RECTANGLES[kind]).shapes == ((4, 7),)
    with pytest.raises(MazeRLError, match="size 4x7 is no square"):
        check_squares(RECTANGLES[kind])


def test_two_numbers_are_two_sizes_and_a_pair_among_others_is_a_rectangle() -> None:
    assert check_sizes((4, 7)) == (4, 7)
    assert check_sizes([(4, 7), 5, "6..7"]) == ((4, 7), 5, 6, 7)


@pytest.mark.parametrize("kind", RECTANGLE)
def test_one_rectangle_in_every_way(kind: str, tmp_path: Path) -> None:
    grid = RECTANGLE[kind]
    assert check_size("grid", grid) == (4, 7)
    mazes = maze_rl.generate("4x7", num=2)
    maze_rl.save_mazes(mazes, tmp_path / "mazes.tokens", tokenizer="edges")
    assert list(maze_rl.load_mazes(tmp_path / "mazes.tokens", tokenizer="edges", grid=grid)) == list(mazes)
    assert convert(tmp_path / "mazes.tokens", tmp_path / "mazes.npz", tokenizer="edges", grid=grid)[1] == 2
    words = maze_rl.load_tokenization("edges")
    assert words.from_text(words.to_text(mazes[0]), grid) == mazes[0]


@pytest.mark.parametrize("size", [4, "4", np.int64(4), (4, 4), "4x4"])
def test_one_square_in_every_way(size: Any) -> None:
    assert check_square("size", size) == 4
    assert draw_maze(size).shape == (4, 4)
    assert make_pairs(maze_rl.load_tokenization("edges", canvas=4), size=size, num=2, depths="1..4").clean is not None
    words = maze_rl.load_tokenization("edges")
    assert words.from_text(words.to_text(draw_maze(4)), size).shape == (4, 4)


@pytest.mark.parametrize("depths", ["2..6", range(2, 7), (2, 6), [2, 3, 4, 5, 6], np.arange(2, 7)])
def test_depths_in_every_way(depths: Any) -> None:
    (batch,) = maze_rl.generate(6, num=60).batches
    found, expected = (find_flip_pairs(batch, depths=each) for each in (depths, (2, 6)))
    assert len(found) > 0
    assert np.array_equal(found.base, expected.base) and np.array_equal(found.depth, expected.depth)


@pytest.mark.parametrize("loops", ["4..18", range(4, 19), (4, 18), [4, 18], (np.int64(4), np.int64(18))])
def test_loops_of_training_in_every_way(loops: Any) -> None:
    found = least_and_most(loops)
    assert found == (4, 18)
    assert all(type(number) is int for number in found), "or it could not be written to a file"


@pytest.mark.parametrize(
    "lengths", ["5..7", range(5, 8), [5, 6, 7], np.arange(5, 8), {5: 1, 6: 1, 7: 1}, "5:1,6:1,7:1"]
)
def test_path_lengths_in_every_way(lengths: Any) -> None:
    assert endpoints_from({"path_lengths": lengths}).path_lengths == ((5, 1.0), (6, 1.0), (7, 1.0))
    drawn = {maze_rl.solve(maze).distance for maze in maze_rl.generate(6, num=40, path_lengths=lengths)}
    assert drawn == {5, 6, 7}


@pytest.mark.parametrize("cells", ["0,0", (0, 0), [(0, 0)], np.zeros(2, int), np.zeros((1, 2), int)])
def test_cells_in_every_way(cells: Any) -> None:
    assert {maze.origin for maze in maze_rl.generate(4, num=4, origins=cells)} == {(0, 0)}
