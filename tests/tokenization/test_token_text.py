"""Token text tells where its maze lies: text, offset and maze go round for every place on the canvas."""

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_rl.configs.tokenization import FORMATS
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.tokenization.token_text import TokenText
from maze_rl.tokenization.tokenization import load_tokenization

CANVAS = 9
SHAPES = ((2, 3), (4, 4), (5, 3))
MAZES = {shape: list(generate([shape], "dfs_percolation", num=6, seed=1)) for shape in SHAPES}
many = settings(max_examples=60, derandomize=True, deadline=None, database=None)


@many
@given(st.sampled_from(FORMATS), st.sampled_from(["cells", "moves"]), st.sampled_from(["prompt", "path"]), st.data())
def test_any_offset_goes_round(name: str, path: str, origin: str, data: st.DataObject) -> None:
    options: dict[str, Any] = {"canvas": CANVAS, "path": path, "origin": origin}
    plain = load_tokenization(name, **options)
    anywhere = load_tokenization(name, random_offsets=True, **options)
    maze = data.draw(st.sampled_from([maze for shape in SHAPES for maze in MAZES[shape]]))
    seed = data.draw(st.integers(0, 99))
    offset = tuple(data.draw(st.integers(0, CANVAS - side)) for side in maze.shape)
    text = plain.to_text(maze, seed=seed, offset=offset)
    assert text.offset == offset
    assert plain.from_text(text, maze.shape) == plain.from_text(str(text), maze.shape, offset) == maze
    assert anywhere.from_text(str(text), maze.shape) == maze, "a connected maze names a cell in every row and column"
    drawn = anywhere.to_text(maze, seed=seed)
    assert drawn.offset == tuple(anywhere.encode(maze, seed=seed).spans.offsets[0].tolist())
    assert anywhere.from_text(drawn, maze.shape) == anywhere.from_text(str(drawn), maze.shape) == maze


def test_words_minus_the_offset_are_the_cells_of_the_maze() -> None:
    maze = MAZES[4, 4][0]
    tokenization = load_tokenization("unique_cells", canvas=CANVAS)
    text = tokenization.to_text(maze, offset=(3, 5))
    written = [tuple(map(int, cell)) for cell in re.findall(r"\((\d+),(\d+)\)", text.split("<PATH_START>")[1])]
    path = [(row - 3, col - 5) for row, col in written]
    assert (path[0], path[-1]) == (maze.origin, maze.target)
    encoded = tokenization.encode_batch(
        maze.as_batch(), streams=np.zeros(1, np.int64), offsets=np.array([[3, 5]], np.int16)
    )
    spans = encoded.spans
    assert [tuple(cell) for cell in spans.cells[0][spans.regions[0] == 3].tolist()] == path


def test_the_text_is_a_string_and_keeps_its_offset() -> None:
    text = load_tokenization("edges", canvas=CANVAS).to_text(MAZES[2, 3][0], offset=(1, 2))
    assert isinstance(text, str) and text == str(text) and hash(text) == hash(str(text))
    for again in (pickle.loads(pickle.dumps(text)), copy.copy(text), copy.deepcopy(text)):
        assert isinstance(again, TokenText) and (again, again.offset) == (text, (1, 2))


@pytest.mark.parametrize("offset", [(-1, 0), (0, 7), (8, 8)])
def test_an_offset_off_the_canvas_is_refused(offset: tuple[int, int]) -> None:
    with pytest.raises(ConfigurationError, match=r"offset \(.*: a 2 x 3 maze there leaves the 9 x 9 canvas"):
        load_tokenization("edges", canvas=CANVAS).to_text(MAZES[2, 3][0], offset=offset)


def test_an_offset_that_the_cells_leave_open_is_asked_for() -> None:
    corridor = np.zeros((2, 3, 3), np.bool_)
    corridor[1, 1, 0] = True
    maze = Maze(corridor, (1, 0), (1, 1))
    anywhere = load_tokenization("unique_cells", canvas=CANVAS, random_offsets=True)
    text = anywhere.to_text(maze, offset=(2, 4))
    assert anywhere.from_text(text, (3, 3)) == maze
    with pytest.raises(
        MazeRLError, match="its first row may be 1 to 3 of the canvas, its first column 3 to 4; give its"
    ):
        anywhere.from_text(str(text), (3, 3))
    assert anywhere.from_text(str(text), (3, 3), (2, 4)) == maze
    listed = load_tokenization("cells", canvas=CANVAS, random_offsets=True)
    assert listed.from_text(str(listed.to_text(maze, offset=(2, 4))), (3, 3)) == maze, "a list of cells names them all"


def test_errors_name_cells_of_the_maze_and_tell_the_word_and_the_offset() -> None:
    tokenization = load_tokenization("unique_cells", canvas=CANVAS)
    text = str(tokenization.to_text(MAZES[2, 3][0], offset=(4, 5)))
    with pytest.raises(
        MazeRLError, match=r"cell \(-1, -?\d+\), written \(4,\d\), lies outside the 2 x 3 grid at offset \(5"
    ):
        tokenization.from_text(text, (2, 3), (5, 5))
    astray = text.replace("<ADJLIST_START>", "<ADJLIST_START> (4,5) <--> (5,6) ;")
    with pytest.raises(MazeRLError, match=r"\(0, 0\) and \(1, 1\) are no neighbours"):
        tokenization.from_text(astray, (2, 3), (4, 5))
