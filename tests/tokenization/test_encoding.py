"""The compiled encoder: known text, ids that never change, random orders without bias."""

import hashlib
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from maze_rl.configs.tokenization import FORMATS, ORIGINS, PATHS
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeBatch
from maze_rl.tokenization.tokenization import load_tokenization

# SHA-256 of ids written before there were options: what a seed means must not change.
SHUFFLED = {
    "unique_cells": "39522bf5ebe9226937eeaf263a8929ae1336a9b2aa79225df3537f85c575552c",
    "edges": "7a9e5c96e209c4eb0c6d1d32aad13b749ef69014256b5c9e454499d99da614de",
}
QUERY = "<ORIGIN_START> (0,0) <ORIGIN_END> <TARGET_START> (2,1) <TARGET_END>"
PATH = "<PATH_START> (0,0) (1,0) (2,0) (2,1) <PATH_END>"
LIST = (
    "<ADJLIST_START> (0,0) <--> (0,1) ; (0,0) <--> (1,0) ; (0,1) <--> (0,2) ; (0,2) <--> (1,2) ; "
    "(1,0) <--> (2,0) ; (1,1) <--> (2,1) ; (2,0) <--> (2,1) ; (2,1) <--> (2,2) ; <ADJLIST_END>"
)
WITH_WALLS = (
    "<ADJLIST_START> (0,0) <--> (0,1) ; (0,0) <--> (1,0) ; (0,1) <--> (0,2) ; (0,1) <XX> (1,1) ; (0,2) <--> (1,2) ; "
    "(1,0) <XX> (1,1) ; (1,0) <--> (2,0) ; (1,1) <XX> (1,2) ; (1,1) <--> (2,1) ; (1,2) <XX> (2,2) ; "
    "(2,0) <--> (2,1) ; (2,1) <--> (2,2) ; <ADJLIST_END>"
)
MOVES = "<PATH_START> SOUTH SOUTH EAST <PATH_END>"
TURNS = "<PATH_START> BACKWARD FORWARD LEFT <PATH_END>"
"""From facing north; an eastward step is to the left of one that came south."""
TARGET = "<TARGET_START> (2,1) <TARGET_END>"
MOVES_FROM_ORIGIN = MOVES.replace("<PATH_START>", "<PATH_START> (0,0)")


@pytest.mark.parametrize("name", SHUFFLED)
def test_shuffled_ids_are_those_of_the_first_version(name: str) -> None:
    mazes = generate((2, 5, 9), "dfs_percolation", num=30, percolation=0.3)
    tokens = load_tokenization(name, canvas=11, random_offsets=True).encode(mazes, seed=4).tokens.numpy()
    assert hashlib.sha256(tokens.astype("<i8").tobytes()).hexdigest() == SHUFFLED[name]


def spell(text: str, name: str) -> str:
    """Write the cells of a text as another format does."""
    spelling = {"coordinate_tuples": r"( \1 , \2 )", "row_column": r"r\1 c\2", "unique_cells": r"(\1,\2)"}
    return re.sub(r"\((\d),(\d)\)", spelling[name], text)


@pytest.mark.parametrize("name", ["unique_cells", "coordinate_tuples", "row_column"])
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, f"{LIST} {QUERY} {PATH}"),
        ({"path": "moves"}, f"{LIST} {QUERY} {MOVES}"),
        ({"path": "turns"}, f"{LIST} {QUERY} {TURNS}"),
        ({"query": "first"}, f"{QUERY} {LIST} {PATH}"),
        ({"walls": True}, f"{WITH_WALLS} {QUERY} {PATH}"),
        ({"connectors": False}, f"{LIST} {QUERY} {PATH}".replace(" <-->", "").replace(" ;", "")),
        ({"walls": True, "path": "moves", "query": "first"}, f"{QUERY} {WITH_WALLS} {MOVES}"),
        ({"origin": "path"}, f"{LIST} {TARGET} {PATH}"),
        ({"origin": "path", "query": "first"}, f"{TARGET} {LIST} {PATH}"),
        ({"origin": "path", "path": "moves"}, f"{LIST} {TARGET} {MOVES_FROM_ORIGIN}"),
        ({"origin": "path", "path": "moves", "query": "first"}, f"{TARGET} {LIST} {MOVES_FROM_ORIGIN}"),
        ({"origin": "path", "path": "turns"}, f"{LIST} {TARGET} {TURNS.replace('START>', 'START> (0,0)')}"),
    ],
)
def test_worked_example_sorted(name: str, options: dict, text: str, worked_maze: Maze) -> None:
    assert load_tokenization(name, shuffle_edges=False, **options).to_text(worked_maze) == spell(text, name)


def test_worked_example_in_ids(worked_maze: Maze) -> None:
    tokens, spans = load_tokenization("unique_cells").encode(worked_maze)
    assert tokens.shape == (1, 46)
    assert tokens[0, 0] == 0
    assert tokens[0, 33:].tolist() == [1, 4, 11, 5, 2, 18, 3, 6, 11, 13, 16, 18, 7]
    assert (int(spans.path_start[0]), int(spans.lengths[0])) == (40, 46)


def test_worked_example_in_ids_of_coordinate_tuples(worked_maze: Maze) -> None:
    tokens, spans = load_tokenization("coordinate_tuples").encode(worked_maze)
    assert tokens.shape == (1, 134)
    assert int(spans.path_start[0]) == 112
    assert tokens[0, 97:113].tolist() == [1, 4, 11, 14, 12, 14, 13, 5, 2, 11, 16, 12, 15, 13, 3, 6]


@pytest.mark.parametrize("name", ["unique_cells", "coordinate_tuples", "row_column"])
@pytest.mark.parametrize("path", PATHS)
def test_a_prompt_ends_behind_an_origin_on_the_path(name: str, path: str, worked_maze: Maze) -> None:
    tokenization = load_tokenization(name, shuffle_edges=False, path=path, origin="path")
    tokens, spans = tokenization.encode(worked_maze, prompt_only=True)
    assert tokenization.decode(tokens[0]) == spell(f"{LIST} {TARGET} <PATH_START> (0,0)", name)
    assert spans.lengths.tolist() == [tokens.shape[1]] == spans.answer_start.tolist()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("options", [{}, {"path": "moves"}, {"path": "turns"}, {"query": "first", "walls": True}])
def test_an_origin_on_the_path_changes_nothing_else(name: str, options: dict[str, Any]) -> None:
    mazes = generate((2, 5, 7), "dfs_percolation", num=12, percolation=0.3)
    options = {key: value for key, value in options.items() if name != "cells" or key != "walls"}
    plain, moved = (
        load_tokenization(name, canvas=8, random_offsets=True, origin=origin, **options) for origin in ORIGINS
    )
    origin = r"<ORIGIN_START> (.*?) <ORIGIN_END> "
    for text, other in zip(*(t.decode(t.encode(mazes, seed=3).tokens) for t in (plain, moved)), strict=True):
        cell = re.findall(origin, text)[0] + " "
        path = f"<PATH_START> {cell if 'path' in options else ''}"
        assert re.sub(origin, "", text).replace("<PATH_START> ", path) == other


@pytest.mark.parametrize("walls", [False, True])
def test_worked_example_as_edges(walls: bool, worked_maze: Maze) -> None:
    text = load_tokenization("edges", shuffle_edges=False, walls=walls).to_text(worked_maze)
    edges = (WITH_WALLS if walls else LIST).replace(" <--> ", "-").replace(" <XX> ", "|").replace(" ;", "")
    assert text == f"{edges} {QUERY} {PATH}"


@pytest.mark.parametrize("options", [{}, {"path": "moves"}, {"query": "first"}, {"origin": "path"}])
def test_worked_example_as_cells(options: dict[str, Any], worked_maze: Maze) -> None:
    tokenization = load_tokenization("cells", shuffle_edges=False, **options)
    cells = "(0,0)[SE] (0,1)[EW] (0,2)[SW] (1,0)[NS] (1,1)[S] (1,2)[N] (2,0)[NE] (2,1)[NEW] (2,2)[W]"
    origin = "<ORIGIN_START> (0,0) <ORIGIN_END> "
    query, listed = f"{'' if options.get('origin') else origin}{TARGET}", f"<ADJLIST_START> {cells} <ADJLIST_END>"
    prompt = f"{query} {listed}" if options.get("query") else f"{listed} {query}"
    assert tokenization.to_text(worked_maze) == f"{prompt} {MOVES if options.get('path') else PATH}"


def test_cells_are_listed_in_all_orders_equally_likely() -> None:
    maze = generate(2, num=1)[0]
    tokens = load_tokenization("cells").encode(copies(maze, 9600)).tokens[:, 1:5]
    counts = Counter(row.numpy().tobytes() for row in tokens)
    assert len(counts) == 24
    assert chisquare(list(counts.values())).pvalue > 1e-4


def copies(maze: Maze, num: int) -> MazeBatch:
    one = maze.as_batch()
    return MazeBatch(*(np.repeat(array, num, axis=0) for array in (one.connections, one.origins, one.targets)))


def test_edge_orders_and_orientations_are_all_equally_likely() -> None:
    maze = generate(2, num=1)[0]  # three edges: 6 orders, 8 orientations
    tokens = load_tokenization("unique_cells").encode(copies(maze, 9600)).tokens[:, 1:13]
    counts = Counter(row.numpy().tobytes() for row in tokens)
    assert len(counts) == 48
    assert chisquare(list(counts.values())).pvalue > 1e-4
    tuples = load_tokenization("coordinate_tuples").encode(copies(maze, 9600)).tokens[:, 1:37]
    again = Counter(row.numpy().tobytes() for row in tuples)
    assert sorted(again.values()) == sorted(counts.values())  # the same orders from the same draws
    orders = Counter(row.numpy().tobytes() for row in load_tokenization("edges").encode(copies(maze, 3000)).tokens)
    assert len(orders) == 6
    assert chisquare(list(orders.values())).pvalue > 1e-4


def test_offsets_stay_inside_and_favour_the_border() -> None:
    # -2 .. 5 uniformly, clipped to 0 .. 3: the two ends get three shares each
    maze = generate(3, num=1)[0]
    offsets = load_tokenization("edges", canvas=6, random_offsets=True).encode(copies(maze, 8000)).spans.offsets
    assert offsets.dtype == torch.int16
    for axis in range(2):
        assert chisquare(np.bincount(offsets[:, axis].numpy(), minlength=4), [3000, 1000, 1000, 3000]).pvalue > 1e-4
    corners = {tuple(offset) for offset in offsets.tolist()} & {(0, 0), (0, 3), (3, 0), (3, 3)}
    assert len(corners) == 4
    assert abs(np.corrcoef(offsets.numpy().T)[0, 1]) < 5 / np.sqrt(8000)


def test_a_maze_that_fills_the_canvas_has_no_offset() -> None:
    mazes = generate(5, num=30)
    assert (load_tokenization("edges", canvas=5, random_offsets=True).encode(mazes).spans.offsets == 0).all()
    assert (load_tokenization("edges", canvas=9).encode(mazes).spans.offsets == 0).all()


def test_offsets_do_not_change_the_order_of_edges() -> None:
    mazes = generate(4, num=20)
    plain = load_tokenization("edges", canvas=9).encode(mazes).spans
    moved = load_tokenization("edges", canvas=9, random_offsets=True).encode(mazes).spans
    assert (moved.offsets != 0).any()
    assert torch.equal(plain.edges, moved.edges)
    assert torch.equal(plain.cells, moved.cells)
