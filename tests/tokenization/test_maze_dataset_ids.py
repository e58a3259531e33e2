"""Ids of the neighbouring project: the vocabularies are its own, and translating there and back changes nothing."""

import hashlib
from typing import Any

import numpy as np
import pytest

from maze_rl.errors import MazeRLError, UnknownNameError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.tokenization.maze_dataset_ids import MODES, from_maze_dataset, maze_dataset_words, to_maze_dataset
from maze_rl.tokenization.tokenization import load_tokenization

# SHA-256 of maze-dataset 1.4.2's token_arr, words joined by newlines
DIGESTS = {
    ("AOTP_UT_uniform", 5): "08de790fdd331a30022caa9e46891eeb59b1d20c47b66d2bfcf473ad168fae63",
    ("AOTP_UT_uniform", 20): "4e09c8d228de3b428c82151685efea72f88a5eb661e4fad3b6b6887488914e52",
    ("AOTP_UT_rasterized", 5): "57bae2c054ce079b37340408cee6afd71bd0bf22662e0cc8697f4faf399995bc",
    ("AOTP_UT_rasterized", 20): "6c36b19d70e16afaded40be7b04f85fac2b0b24c99c135fca6e0f02065c3c882",
    ("AOTP_CTT_indexed", 5): "8b0e6f0923a096cd879a872512fe4df00c62fcfb45f79bfc312f87da2ea10110",
    ("AOTP_CTT_indexed", 20): "957be0e719c3a92fbff1ca5990fc21fe173fe87633f2d88dd50ea86d906b0303",
    ("modular", 5): "bffa6d2bf5d637de5ba69a11d534041944d1f33bad67a94a82f76ff3646e859c",
}
# ids behind the adjacency list of the worked maze
TAILS = {
    "AOTP_UT_uniform": "1 4 11 5 2 18 3 6 11 13 16 18 7",
    "AOTP_UT_rasterized": "1 4 11 5 2 18 3 6 11 14 17 18 7",
    "modular": "1 4 1596 5 2 1603 3 6 1596 1598 1601 1603 7",
}


@pytest.mark.parametrize(("mode", "grid"), DIGESTS)
def test_vocabularies_are_those_of_maze_dataset(mode: str, grid: int) -> None:
    words = maze_dataset_words(mode, grid)
    assert hashlib.sha256("\n".join(words).encode()).hexdigest() == DIGESTS[mode, grid]


@pytest.mark.parametrize("mode", TAILS)
def test_ids_of_the_worked_maze(mode: str, worked_maze: Maze) -> None:
    tokenization = load_tokenization("unique_cells", canvas=7)
    tokens = tokenization.encode(worked_maze).tokens[0].numpy()
    assert " ".join(map(str, to_maze_dataset(tokens, tokenization, mode, 3)[33:])) == TAILS[mode]


def test_uniform_and_indexed_ids_are_ours() -> None:
    mazes = generate((3, 6), num=8)
    for name, mode in (("unique_cells", "AOTP_UT_uniform"), ("coordinate_tuples", "AOTP_CTT_indexed")):
        tokenization = load_tokenization(name, canvas=9)
        tokens = tokenization.encode(mazes).tokens.numpy()
        assert np.array_equal(to_maze_dataset(tokens, tokenization, mode, 6), tokens)


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("unique_cells", "AOTP_UT_rasterized", {}),
        ("unique_cells", "modular", {"path": "moves", "walls": True}),
        ("coordinate_tuples", "modular", {"path": "moves", "walls": True}),
        ("unique_cells", "modular", {"path": "turns"}),
    ],
)
def test_there_and_back(name: str, mode: str, options: dict[str, Any]) -> None:
    tokenization = load_tokenization(name, canvas=9, **options)
    tokens = tokenization.encode(generate((3, 6), num=8)).tokens.numpy()
    theirs = to_maze_dataset(tokens, tokenization, mode, 6)
    words = maze_dataset_words(mode, 6)
    assert [words[number] for number in theirs[0]] == [tokenization.vocabulary[number] for number in tokens[0]]
    assert not np.array_equal(theirs, tokens)
    assert np.array_equal(from_maze_dataset(theirs, tokenization, mode, 6), tokens)


def test_what_they_cannot_say_is_refused() -> None:
    tokenization = load_tokenization("unique_cells", path="moves")
    tokens = tokenization.encode(generate(5, num=3)).tokens.numpy()
    with pytest.raises(MazeRLError, match=r"is not in the vocabulary of maze-dataset's AOTP_UT_uniform: take another"):
        to_maze_dataset(tokens, tokenization, "AOTP_UT_uniform", 5)
    with pytest.raises(MazeRLError, match=r"'\(.,4\)|\(4,.\)' is not in the vocabulary"):
        to_maze_dataset(tokens, tokenization, "AOTP_UT_rasterized", 4)
    with pytest.raises(MazeRLError, match=r"'\(0,0\)' is not in the vocabulary of our coordinate_tuples"):
        from_maze_dataset(np.array([6, 1596]), load_tokenization("coordinate_tuples"), "modular", 5)
    with pytest.raises(MazeRLError, match=r"ids -1\.\.6 leave the vocabulary of 416 words"):
        to_maze_dataset(np.array([6, -1]), tokenization, "modular", 5)
    with pytest.raises(UnknownNameError, match="unknown maze-dataset mode 'AOTP_UT'"):
        to_maze_dataset(tokens, tokenization, "AOTP_UT", 5)
    assert len(MODES) == 4
