"""Vocabularies: ids equal maze-dataset's, and never change when the canvas grows."""

import hashlib

import numpy as np
import pytest

from maze_rl.configs.tokenization import FORMATS
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.cells import cells
from maze_rl.tokenization.coordinate_tuples import coordinate_tuples
from maze_rl.tokenization.corner_first import edge_cells
from maze_rl.tokenization.edges import edges
from maze_rl.tokenization.layouts import SPECIAL_WORDS, cell_word
from maze_rl.tokenization.row_column import row_column
from maze_rl.tokenization.tokenization import LAYOUTS, load_tokenization
from maze_rl.tokenization.unique_cells import unique_cells

IDS_4X4 = (
    "(0,0)11 (0,1)12 (1,0)13 (1,1)14 (0,2)15 (2,0)16 (1,2)17 (2,1)18 (2,2)19 "
    "(0,3)20 (3,0)21 (3,1)22 (2,3)23 (3,2)24 (1,3)25 (3,3)26"
)


def test_ids_of_unique_cells_on_4x4() -> None:
    words = unique_cells(4).words
    assert " ".join(f"{word}{number}" for number, word in enumerate(words) if number > 10) == IDS_4X4


def test_special_words_have_the_ids_of_maze_dataset() -> None:
    for layout in (unique_cells(3), edges(3)):
        assert layout.words[:11] == SPECIAL_WORDS
        assert layout.words[2] == "<TARGET_START>"  # before the origin, though it comes later in the text
        assert layout.words[10] == "<PADDING>"


@pytest.mark.parametrize(
    ("canvas", "digest"),
    [
        # SHA-256 of maze-dataset 1.4.2's token_arr for AOTP_UT_uniform, words joined by newlines
        (20, "4e09c8d228de3b428c82151685efea72f88a5eb661e4fad3b6b6887488914e52"),
        (64, "d632bed38a45bc529b7d18ab77c88215a2cafeee71132fe14a116853864ffce1"),
    ],
)
def test_unique_cells_is_the_vocabulary_of_maze_dataset(canvas: int, digest: str) -> None:
    assert hashlib.sha256("\n".join(unique_cells(canvas).words).encode()).hexdigest() == digest


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("canvas", range(2, 20))
def test_a_smaller_canvas_is_a_prefix(name: str, canvas: int) -> None:
    small, large = LAYOUTS[name](canvas), LAYOUTS[name](canvas + 1)
    assert large.words[: len(small.words)] == small.words
    np.testing.assert_array_equal(large.cell_tokens[:canvas, :canvas], small.cell_tokens)
    if small.edge_ids is not None and large.edge_ids is not None:
        held = small.edge_ids >= 0
        assert (large.edge_ids[:, :canvas, :canvas][held] == small.edge_ids[held]).all()
    if small.open_cell_ids is not None and large.open_cell_ids is not None:
        np.testing.assert_array_equal(large.open_cell_ids[:canvas, :canvas], small.open_cell_ids)


@pytest.mark.parametrize("canvas", [2, 5, 20])
def test_each_word_stands_for_one_thing(canvas: int) -> None:
    assert len(unique_cells(canvas).words) == 11 + canvas**2
    assert len(edges(canvas).words) == 11 + canvas**2 + 2 * canvas * (canvas - 1)
    for layout in (unique_cells(canvas), edges(canvas)):
        assert len(set(layout.words)) == len(layout.words)
        named = layout.words_from_cells
        for cell, number in np.ndenumerate(layout.cell_ids):
            assert layout.words[number] == cell_word(*cell)
            assert named[cell_word(*cell)] == cell
        assert layout.canvas == canvas


def test_edge_words_name_both_cells_upper_or_left_first() -> None:
    layout = edges(5)
    named = layout.words_from_edges
    assert named["(0,0)-(0,1)"] == (1, 0, 0)
    assert named["(3,2)-(4,2)"] == (0, 3, 2)
    assert len(named) == 40
    for word, edge in named.items():
        assert word == "-".join(cell_word(*cell) for cell in edge_cells(edge))
    assert unique_cells(5).words_from_edges == {}


def test_edges_that_leave_the_canvas_have_no_id() -> None:
    table = edges(4).edge_ids
    assert table is not None
    assert (table[0, 3] == -1).all()
    assert (table[1, :, 3] == -1).all()
    assert (table >= 0).sum() == 24


@pytest.mark.parametrize(
    ("name", "base", "whole"),
    [
        ("unique_cells", 411, 416),
        ("edges", 1171, 1935),
        ("cells", 6811, 6815),
        ("coordinate_tuples", 34, 39),
        ("row_column", 51, 56),
    ],
)
def test_sizes_of_the_vocabularies(name: str, base: int, whole: int) -> None:
    words = load_tokenization(name).vocabulary
    assert len(words) == base
    for further in ({"path": "moves"}, {"walls": True}, {"path": "moves", "walls": True, "query": "first"}):
        if name == "cells" and "walls" in further:
            continue
        vocabulary = load_tokenization(name, **further).vocabulary
        assert len(vocabulary) == whole
        assert vocabulary[:base] == words
        assert vocabulary[base : base + 4] == ("NORTH", "SOUTH", "EAST", "WEST")
        assert len(set(vocabulary)) == whole
    turned = load_tokenization(name, path="turns").vocabulary
    assert turned == (*load_tokenization(name, path="moves").vocabulary, "FORWARD", "BACKWARD", "LEFT", "RIGHT")
    assert load_tokenization(name, query="first", shuffle_edges=False).vocabulary == words


def test_coordinate_tuples_are_five_tokens() -> None:
    layout = coordinate_tuples(12)
    assert layout.words[11:] == ("(", ",", ")", *map(str, range(12)))
    assert layout.cell_tokens[3, 11].tolist() == [11, 17, 12, 25, 13]
    assert layout.words_of_cell(3, 11) == "( 3 , 11 )"
    assert (layout.row_place, layout.col_place, layout.tokens_per_edge) == (1, 3, 12)


def test_row_column_is_two_tokens() -> None:
    layout = row_column(12)
    assert layout.words[11:17] == ("r0", "c0", "r1", "c1", "r2", "c2")
    assert layout.words_of_cell(3, 11) == "r3 c11"
    assert layout.cell_tokens[3, 11].tolist() == [17, 34]
    assert (layout.row_place, layout.col_place, layout.tokens_per_edge) == (0, 1, 6)


def test_cells_have_a_word_for_each_way_their_sides_can_be_open() -> None:
    layout = cells(3)
    ids = layout.open_cell_ids
    assert ids is not None
    assert len(set(layout.words)) == len(layout.words) == 11 + 9 * 17
    assert layout.words[11:13] == ("(0,0)", "(0,0)[]")
    assert layout.words[28:31] == ("(0,1)", "(1,0)", "(1,1)")  # a ring's cells, then what is listed of them
    open_to = ("[]", "[S]", "[E]", "[SE]", "[N]", "[NS]", "[NE]", "[NSE]")
    assert [layout.words[number] for number in ids[1, 2, :8]] == [f"(1,2){sides}" for sides in open_to]
    assert [layout.words[number] for number in ids[1, 2, 8:]] == [f"(1,2){sides[:-1]}W]" for sides in open_to]
    assert (np.diff(ids, axis=2) == 1).all()
    named = layout.words_from_open_cells
    assert len(named) == 9 * 16
    assert named["(1,2)[NE]"] == (1, 2, 6)
    assert layout.open_cell_of_id[ids[2, 1, 9]].tolist() == [2, 1, 9]
    assert (layout.open_cell_of_id[layout.cell_ids] == -1).all()
    assert (layout.tokens_per_edge, layout.lists_cells, layout.spells_edges) == (1, True, False)
    assert (cells(5).most_listed, edges(5).most_listed, unique_cells(5).most_listed) == (25, 40, 40)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("options", [{}, {"path": "moves"}, {"origin": "path"}])
def test_what_may_be_written_is_what_sequences_have_behind_their_prompts(name: str, options: dict) -> None:
    tokenization = load_tokenization(name, canvas=3, **options)
    tokens, spans = tokenization.encode(generate((2, 3), "dfs_percolation", num=300, percolation=0.3))
    found = np.unique(tokens[spans.after_path_start].numpy())
    written = tokenization.layout.written_ids
    assert written.dtype == np.int64
    assert found.tolist() == written.tolist()


def test_walls_of_edges_have_words_of_their_own_in_the_order_of_the_edges() -> None:
    layout = load_tokenization("edges", canvas=4, walls=True).layout
    walls = layout.words_from_walls
    assert list(walls.values()) == list(layout.words_from_edges.values())
    assert layout.words[-24:] == tuple(walls)
    assert walls["(0,0)|(0,1)"] == (1, 0, 0)
    assert walls["(2,3)|(3,3)"] == (0, 2, 3)


def test_tables_of_words_are_made_once() -> None:
    """Reading a text takes them all; made anew for each they took most of the time."""
    layout = load_tokenization("edges", walls=True).layout
    for name in ("known_words", "words_from_cells", "words_from_open_cells", "words_from_edges", "words_from_walls"):
        assert getattr(layout, name) is getattr(layout, name)
