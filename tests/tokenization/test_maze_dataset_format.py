"""Our formats against maze-dataset itself, where it is installed (extra `peers`)."""

import warnings
from typing import Any

import numpy as np
import pytest

from maze_rl.configs.tokenization import PATHS
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.solve import solve
from maze_rl.tokenization.maze_dataset_ids import maze_dataset_words, to_maze_dataset
from maze_rl.tokenization.tokenization import load_tokenization

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about an optional package when imported
    peer = pytest.importorskip("maze_dataset", exc_type=ImportError)
    peer_tokenization = pytest.importorskip("maze_dataset.tokenization", exc_type=ImportError)

CANVAS = 8
MODE_OF = {"unique_cells": "AOTP_UT_uniform", "coordinate_tuples": "AOTP_CTT_indexed"}
pytestmark = pytest.mark.filterwarnings("ignore")


def legacy(mode: str) -> Any:
    """Return its fixed tokenizer of a mode."""
    return peer_tokenization.MazeTokenizer(
        tokenization_mode=peer_tokenization.TokenizationMode[mode], max_grid_size=CANVAS
    )


def modular(name: str, path: str, walls: bool) -> Any:
    """Return its modular tokenizer that writes our unshuffled text."""
    parts = peer_tokenization
    coordinates = parts.CoordTokenizers.UT() if name == "unique_cells" else parts.CoordTokenizers.CTT()
    kinds = {"cells": "Coord", "moves": "Cardinal", "turns": "Relative"}
    steps = getattr(parts.StepTokenizers, kinds[path])()
    edges = parts.EdgeSubsets.AllLatticeEdges() if walls else parts.EdgeSubsets.ConnectionEdges()
    return parts.MazeTokenizerModular(
        prompt_sequencer=parts.PromptSequencers.AOTP(
            coord_tokenizer=coordinates,
            adj_list_tokenizer=parts.AdjListTokenizers.AdjListCoord(
                edge_subset=edges, edge_permuter=parts.EdgePermuters.SortedCoords(), shuffle_d0=False
            ),
            path_tokenizer=parts.PathTokenizers.StepSequence(step_tokenizers=(steps,)),
        )
    )


def solved(maze: Maze) -> Any:
    return peer.SolvedMaze(maze.connections, np.array(solve(maze).path, np.int8))


@pytest.fixture
def mazes() -> list[Maze]:
    return list(generate(CANVAS, "dfs_percolation", num=20, percolation=0.1))


@pytest.mark.parametrize("mode", ["AOTP_UT_uniform", "AOTP_UT_rasterized", "AOTP_CTT_indexed"])
def test_vocabularies_are_equal(mode: str) -> None:
    assert tuple(legacy(mode).token_arr) == maze_dataset_words(mode, CANVAS)


def test_the_modular_vocabulary_is_equal() -> None:
    assert tuple(peer_tokenization.MazeTokenizerModular().token_arr) == maze_dataset_words("modular", CANVAS)


@pytest.mark.parametrize("name", MODE_OF)
def test_our_vocabulary_is_theirs(name: str) -> None:
    assert tuple(legacy(MODE_OF[name]).token_arr) == load_tokenization(name, canvas=CANVAS).vocabulary


@pytest.mark.parametrize("name", MODE_OF)
def test_their_ids_of_our_text_are_ours(name: str, mazes: list[Maze]) -> None:
    tokenization, theirs = load_tokenization(name, canvas=CANVAS), legacy(MODE_OF[name])
    for maze in mazes:
        assert theirs.encode(tokenization.to_text(maze)) == tokenization.encode(maze).tokens[0].tolist()


@pytest.mark.parametrize(
    ("name", "mode"),
    [("unique_cells", "AOTP_UT_rasterized"), ("unique_cells", "modular"), ("coordinate_tuples", "modular")],
)
def test_translated_ids_are_theirs(name: str, mode: str, mazes: list[Maze]) -> None:
    tokenization = load_tokenization(name, canvas=12)
    theirs = modular(name, "cells", walls=False) if mode == "modular" else legacy(mode)
    for maze in mazes:
        tokens = tokenization.encode(maze).tokens[0].numpy()
        assert theirs.encode(tokenization.to_text(maze)) == to_maze_dataset(tokens, tokenization, mode, CANVAS).tolist()


@pytest.mark.parametrize("name", MODE_OF)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("walls", [False, True])
def test_unshuffled_text_and_ids_are_theirs(name: str, path: str, walls: bool, mazes: list[Maze]) -> None:
    ours = load_tokenization(name, shuffle_edges=False, path=path, walls=walls)
    theirs = modular(name, path, walls)
    for maze in mazes:
        words = solved(maze).as_tokens(theirs)
        assert ours.to_text(maze) == " ".join(words)
        tokens = ours.encode(maze).tokens[0].numpy()
        assert to_maze_dataset(tokens, ours, "modular", CANVAS).tolist() == theirs.encode(words)


@pytest.mark.parametrize("name", MODE_OF)
def test_they_read_our_text(name: str, mazes: list[Maze]) -> None:
    tokenization = load_tokenization(name, canvas=CANVAS)
    for maze in mazes:
        theirs = peer.SolvedMaze.from_tokens(tokenization.to_text(maze).split(" "), legacy(MODE_OF[name]))
        np.testing.assert_array_equal(theirs.connection_list, maze.connections)
        assert [tuple(cell) for cell in theirs.solution.tolist()] == solve(maze).path


@pytest.mark.parametrize("name", MODE_OF)
def test_we_read_their_text(name: str, mazes: list[Maze]) -> None:
    tokenization = load_tokenization(name, canvas=CANVAS)
    for maze in mazes:
        words = solved(maze).as_tokens(legacy(MODE_OF[name]))
        assert tokenization.from_text(" ".join(words), maze.shape) == maze
        assert len(words) == tokenization.encode(maze).tokens.shape[1]
