"""`Tokenization`: round trips, reproducible sequences, order, and what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from maze_rl.configs.algorithms import ALGORITHMS
from maze_rl.configs.tokenization import FORMATS, ORIGINS, PATHS, QUERIES
from maze_rl.errors import ConfigurationError, MazeRLError, UnknownNameError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeCollection
from maze_rl.mazes.solve import solve, solve_batch
from maze_rl.shipped import shipped
from maze_rl.tokenization.layouts import CANVAS
from maze_rl.tokenization.tokenization import Encoded, load_tokenization


def sequences(encoded: Encoded) -> list[list[int]]:
    """Return every sequence without its padding."""
    return [row[:length].tolist() for row, length in zip(encoded.tokens, encoded.spans.lengths, strict=True)]


OPTIONS = st.fixed_dictionaries(
    {
        "random_offsets": st.booleans(),
        "shuffle_edges": st.booleans(),
        "path": st.sampled_from(PATHS),
        "connectors": st.booleans(),
        "walls": st.booleans(),
        "query": st.sampled_from(QUERIES),
        "origin": st.sampled_from(ORIGINS),
    }
).filter(lambda options: options["connectors"] or not options["walls"])
# AutoTokenizer reads a folder of files: one each is enough.
SHIPPED = {name: AutoTokenizer.from_pretrained(str(shipped("tokenizers", name))) for name in FORMATS}


def assert_reads_back(name: str, options: dict[str, Any], canvas: int, maze: Maze, seed: int) -> None:
    """Check that text and ids agree, on the shipped canvas with Hugging Face too, and that the text gives the maze."""
    if name in ("edges", "cells"):
        options = options | {"connectors": True}
    if name == "cells":
        options = options | {"walls": False}
    tokenization = load_tokenization(name, canvas=canvas, **options)
    tokens, spans = tokenization.encode(maze, seed=seed)
    text = str(tokenization.decode(tokens[0]))
    offset = tuple(spans.offsets[0].tolist())
    assert tokenization.from_text(text, maze.shape, offset) == maze
    assert [tokenization.word_ids[word] for word in text.split()] == tokens[0].tolist()
    if canvas == CANVAS:
        assert SHIPPED[name](text)["input_ids"] == tokens[0].tolist()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(FORMATS),
    options=OPTIONS,
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    canvas=st.one_of(st.just(CANVAS), st.integers(9, 14)),
    percolation=st.sampled_from([0.0, 0.1, 0.4, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_text_reads_back_as_the_same_maze(
    name: str,
    options: dict[str, Any],
    shape: tuple[int, int],
    canvas: int,
    percolation: float,
    seed: int,
    rectangle: Callable[..., Maze],
) -> None:
    assert_reads_back(name, options, canvas, rectangle(*shape, percolation, seed), seed)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(FORMATS),
    options=OPTIONS,
    algorithm=st.sampled_from(list(ALGORITHMS)),
    size=st.integers(2, 9),
    seed=st.integers(0, 10**6),
)
def test_mazes_of_every_generator_read_back(
    name: str, options: dict[str, Any], algorithm: str, size: int, seed: int
) -> None:
    assert_reads_back(name, options, CANVAS, generate(size, algorithm, num=1, seed=seed)[0], seed)


@pytest.mark.parametrize("name", FORMATS)
def test_a_sequence_does_not_depend_on_its_batch(name: str) -> None:
    tokenization = load_tokenization(name, canvas=12, random_offsets=True)
    mazes = generate((3, 5, 8), "dfs_percolation", num=40, percolation=0.3)
    whole = sequences(tokenization.encode(mazes, seed=9))
    for position, batch in enumerate(mazes.batches):
        turned = np.arange(len(batch))[::-1].copy()
        where = mazes.indices_of(position)[turned]
        backwards = tokenization.encode_batch(batch.take(turned), streams=where, seed=9)
        assert sequences(backwards) == [whole[index] for index in where]
    one = tokenization.encode_batch(mazes[17].as_batch(), streams=np.array([17]), seed=9)
    assert sequences(one) == [whole[17]]
    assert sequences(tokenization.encode(mazes, seed=9)) == whole
    assert sequences(tokenization.encode(mazes, seed=10)) != whole


@pytest.mark.parametrize("name", FORMATS)
def test_a_collection_keeps_its_order_and_takes_the_paths_of_solve(name: str) -> None:
    tokenization = load_tokenization(name)
    mazes = generate((3, 6, 4), "dfs_percolation", num=30, percolation=0.4)
    encoded = tokenization.encode(mazes, seed=2)
    solutions = solve(mazes, seed=2)
    for index, maze in enumerate(mazes):
        text = str(tokenization.decode(encoded.tokens[index]))
        assert tokenization.from_text(text, maze.shape) == maze
        cells = encoded.spans.cells[index][encoded.spans.after_path_start[index]][:-1]
        cells = cells[:: tokenization.layout.tokens_per_cell]
        assert [tuple(cell) for cell in cells.tolist()] == solutions[index].path


def test_merging_pads_every_label() -> None:
    mazes = generate((2, 7), num=12)
    encoded = load_tokenization("edges").encode(mazes)
    padding = encoded.tokens == 10
    assert padding.any()
    assert torch.equal(padding, torch.arange(padding.shape[1]) >= encoded.spans.lengths[:, None])
    assert (encoded.spans.regions[padding] == 5).all()
    assert (encoded.spans.cells[padding] == -1).all()
    assert (encoded.spans.edges[padding] == -1).all()
    assert encoded.tokens.shape[1] == encoded.spans.lengths.max()


@pytest.mark.parametrize("name", FORMATS)
def test_a_prompt_is_the_beginning_of_the_whole(name: str) -> None:
    tokenization = load_tokenization(name, random_offsets=True)
    mazes = generate((3, 5), num=20)
    whole, prompts = tokenization.encode(mazes, seed=1), tokenization.encode(mazes, seed=1, prompt_only=True)
    starts = whole.spans.path_start.tolist()
    assert sequences(prompts) == [row[: start + 1] for row, start in zip(sequences(whole), starts, strict=True)]


def test_a_solution_given_is_the_one_written() -> None:
    batch = generate(6, "dfs_percolation", num=30, percolation=0.5).batches[0]
    tokenization, streams = load_tokenization("edges"), np.arange(30)
    other = solve_batch(batch, seed=77)
    given_path = tokenization.encode_batch(batch, streams=streams, solution=other)
    cells = given_path.spans.cells[0][given_path.spans.after_path_start[0]][:-1]
    assert [tuple(cell) for cell in cells.tolist()] == other[0].path
    assert sequences(given_path) != sequences(tokenization.encode_batch(batch, streams=streams))


def test_decode_leaves_the_padding_out_and_takes_arrays() -> None:
    tokenization = load_tokenization("unique_cells")
    batch = torch.tensor([[6, 11, 12, 7, 10, 10], [6, 11, 7, 10, 10, 10]])
    assert tokenization.decode(batch) == ["<PATH_START> (0,0) (0,1) <PATH_END>", "<PATH_START> (0,0) <PATH_END>"]
    assert tokenization.decode(batch.numpy()[1]) == "<PATH_START> (0,0) <PATH_END>"
    assert tokenization.decode(torch.tensor([], dtype=torch.int64)) == ""


@pytest.mark.parametrize("foreign", [-1, 411, 10**6])
def test_decode_refuses_foreign_ids(foreign: int) -> None:
    with pytest.raises(MazeRLError, match=rf"ids .*{foreign}.* leave the vocabulary of 411 words"):
        load_tokenization("unique_cells").decode(torch.tensor([5, foreign, 6]))


@pytest.mark.parametrize("name", FORMATS)
def test_a_maze_larger_than_the_canvas_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"a 6 x 6 maze does not fit on the 5 x 5 canvas: use sizes up to 5"):
        load_tokenization(name, canvas=5).encode(generate((4, 6), num=20))


def test_tokenizations_are_values() -> None:
    tokenization = load_tokenization("unique_cells", canvas=7)
    assert tokenization == load_tokenization("unique_cells", canvas=7)
    assert tokenization.with_options(random_offsets=True) != tokenization
    assert tokenization.with_options(random_offsets=True).canvas == 7
    assert tokenization.name == "unique_cells"
    with pytest.raises(UnknownNameError, match="Did you mean 'edges'"):
        load_tokenization("edge")


def test_streams_follow_the_collection() -> None:
    mazes = generate((3, 5), num=10)
    turned = MazeCollection(mazes.batches, mazes.batch_of[::-1].copy(), mazes.row_of[::-1].copy())
    tokenization = load_tokenization("edges", shuffle_edges=False)
    assert sequences(tokenization.encode(turned)) == sequences(tokenization.encode(mazes))[::-1]


@pytest.mark.parametrize("offset", [(0.5, 0), (1,), (0, 1, 2)])
def test_an_offset_is_two_whole_numbers(offset: tuple) -> None:
    tokenization, maze = load_tokenization("unique_cells", canvas=6), generate(5, num=1)[0]
    assert tokenization.to_text(maze, offset=np.array([1, 1])).offset == (1, 1)
    for read in (
        lambda: tokenization.to_text(maze, offset=offset),
        lambda: tokenization.from_text(str(tokenization.to_text(maze)), 5, offset),
    ):
        with pytest.raises(ConfigurationError, match=r"offset is \(.*\): expected \(row, col\), two whole numbers"):
            read()


@pytest.mark.parametrize("grid", [(5,), (5, 5, 5), ("5", "5"), (5.0, 5)])
def test_a_grid_is_a_size(grid: Any) -> None:
    tokenization, maze = load_tokenization("unique_cells", canvas=6), generate(5, num=1)[0]
    with pytest.raises(MazeRLError, match="is no size: expected cells per side"):
        tokenization.from_text(tokenization.to_text(maze), grid)


def test_what_is_decoded_are_ids() -> None:
    tokenization = load_tokenization("unique_cells", canvas=6)
    assert tokenization.decode([6, 7]) == "<PATH_START> <PATH_END>"
    assert tokenization.decode([]) == ""
    for strange in ([1.7, 2.2], np.array(3), [True, False], np.zeros((1, 1, 2), np.int64), [[1, 2], [3]], ["a"]):
        with pytest.raises(MazeRLError, match=r"expected whole numbers of shape \[pos\] or \[batch, pos\]"):
            tokenization.decode(strange)


def test_text_is_of_one_maze_and_a_string() -> None:
    tokenization, mazes = load_tokenization("unique_cells", canvas=6), generate(5, num=2)
    with pytest.raises(ConfigurationError, match="to_text writes one maze, and this is a MazeCollection: take one"):
        tokenization.to_text(mazes)
    ids = tokenization.encode(mazes).tokens[0]
    for strange in (None, ids):
        with pytest.raises(MazeRLError, match=f"text is a {type(strange).__name__}: expected words in a string"):
            tokenization.from_text(strange, 5)
    assert tokenization.from_text(tokenization.decode(ids), 5) == mazes[0]


@pytest.mark.parametrize("grid", [7, (3, 9)])
@pytest.mark.parametrize("random_offsets", [False, True])
def test_a_grid_larger_than_the_canvas_is_refused(grid: Any, random_offsets: bool) -> None:
    tokenization = load_tokenization("unique_cells", canvas=6, random_offsets=random_offsets)
    text = str(tokenization.to_text(generate(3, num=1)[0]))
    with pytest.raises(ConfigurationError, match="maze does not fit on the 6 x 6 canvas: use sizes up to 6"):
        tokenization.from_text(text, grid)


@pytest.mark.parametrize("offset", [(4, 0), (0, -1)])
def test_an_offset_where_the_maze_leaves_the_canvas_is_refused(offset: tuple[int, int]) -> None:
    tokenization = load_tokenization("unique_cells", canvas=6)
    text = str(tokenization.to_text(generate(3, num=1)[0]))
    with pytest.raises(ConfigurationError, match="a 3 x 3 maze there leaves the 6 x 6 canvas"):
        tokenization.from_text(text, 3, offset)


def test_the_format_is_no_option_beside_its_name() -> None:
    with pytest.raises(UnknownNameError, match="unknown option of a tokenization 'format'"):
        load_tokenization("edges", format="cells")
    assert load_tokenization("edges").with_options(format="cells").name == "cells"
