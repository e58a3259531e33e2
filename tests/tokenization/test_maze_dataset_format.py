"""`unique_cells` against maze-dataset itself, where it is installed (extra `peers`)."""

import warnings

import numpy as np
import pytest

from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.solve import solve
from maze_rl.tokenization.tokenization import load_tokenization

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about an optional package when imported
    peer = pytest.importorskip("maze_dataset", exc_type=ImportError)
    peer_tokenization = pytest.importorskip("maze_dataset.tokenization", exc_type=ImportError)

CANVAS = 8
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def peer_tokenizer():
    mode = peer_tokenization.TokenizationMode.AOTP_UT_uniform
    return peer_tokenization.MazeTokenizer(tokenization_mode=mode, max_grid_size=CANVAS)


@pytest.fixture
def mazes() -> list[Maze]:
    return list(generate(CANVAS, "dfs_percolation", num=30, percolation=0.1))


def test_vocabularies_are_equal(peer_tokenizer) -> None:
    assert tuple(peer_tokenizer.token_arr) == load_tokenization("unique_cells", canvas=CANVAS).vocabulary


def test_their_ids_of_our_text_are_ours(peer_tokenizer, mazes: list[Maze]) -> None:
    tokenization = load_tokenization("unique_cells", canvas=CANVAS)
    for maze in mazes:
        assert peer_tokenizer.encode(tokenization.to_text(maze)) == tokenization.encode(maze).tokens[0].tolist()


def test_they_read_our_text(peer_tokenizer, mazes: list[Maze]) -> None:
    tokenization = load_tokenization("unique_cells", canvas=CANVAS)
    for maze in mazes:
        theirs = peer.SolvedMaze.from_tokens(tokenization.to_text(maze).split(" "), peer_tokenizer)
        np.testing.assert_array_equal(theirs.connection_list, maze.connections)
        assert [tuple(cell) for cell in theirs.solution.tolist()] == solve(maze).path


def test_we_read_their_text(peer_tokenizer, mazes: list[Maze]) -> None:
    tokenization = load_tokenization("unique_cells", canvas=CANVAS)
    for maze in mazes:
        theirs = peer.SolvedMaze(maze.connections, np.array(solve(maze).path, np.int8))
        words = theirs.as_tokens(peer_tokenizer)
        assert tokenization.from_text(" ".join(words), maze.shape) == maze
        assert len(words) == tokenization.encode(maze).tokens.shape[1]
