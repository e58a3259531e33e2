"""Token text back to mazes: what is no maze is refused in one line that names the fault."""

import re
from typing import Any

import pytest

from maze_rl.configs.tokenization import FORMATS
from maze_rl.errors import InvalidMazeError, MazeRLError
from maze_rl.mazes.lattice import Maze
from maze_rl.tokenization.tokenization import load_tokenization

WORKED = (
    "<ADJLIST_START> (0,0) <--> (0,1) ; (0,0) <--> (1,0) ; (0,1) <--> (0,2) ; (0,2) <--> (1,2) ; "
    "(1,0) <--> (2,0) ; (1,1) <--> (2,1) ; (2,0) <--> (2,1) ; (2,1) <--> (2,2) ; <ADJLIST_END> "
    "<ORIGIN_START> (0,0) <ORIGIN_END> <TARGET_START> (2,1) <TARGET_END> "
    "<PATH_START> (0,0) (1,0) (2,0) (2,1) <PATH_END>"
)
WORKED_EDGES = (
    "<ADJLIST_START> (0,0)-(0,1) (0,0)-(1,0) (0,1)-(0,2) (0,2)-(1,2) (1,0)-(2,0) (1,1)-(2,1) (2,0)-(2,1) "
    "(2,1)-(2,2) <ADJLIST_END> <ORIGIN_START> (0,0) <ORIGIN_END> <TARGET_START> (2,1) <TARGET_END> "
    "<PATH_START> (0,0) (1,0) (2,0) (2,1) <PATH_END>"
)


LIST_ONLY = WORKED[: WORKED.index("<ORIGIN_START>")]


def read(text: str, name: str = "unique_cells", **options: Any) -> Maze:
    return load_tokenization(name, canvas=5, **options).from_text(text, (3, 3))


@pytest.mark.parametrize(("name", "text"), [("unique_cells", WORKED), ("edges", WORKED_EDGES)])
def test_reads_the_worked_example(name: str, text: str, worked_maze: Maze) -> None:
    assert read(text, name) == worked_maze
    assert read(text + " <PADDING>" * 3, name) == worked_maze
    assert read("  " + text.replace(" ", "\n") + "\n", name) == worked_maze


def test_a_prompt_is_enough(worked_maze: Maze) -> None:
    prompt = WORKED[: WORKED.index(" <PATH_START>")]
    for ending in ("", " <PATH_START>", " <PATH_START> (0,0) (1,0) (2,0) (2,1)"):
        assert read(prompt + ending) == worked_maze


def test_edges_may_name_their_cells_in_either_order(worked_maze: Maze) -> None:
    assert read(WORKED.replace("(0,1) <--> (0,2)", "(0,2) <--> (0,1)")) == worked_maze


def test_a_detour_is_a_path() -> None:
    detour = WORKED.replace("<PATH_START> (0,0)", "<PATH_START> (0,0) (0,1) (0,0)")
    assert read(detour) == read(WORKED)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(1,1) <-->", "(9,9) <-->", r"'\(9,9\)' is not in the vocabulary of the 5 x 5 canvas"),
        ("(1,1) <-->", "(01,1) <-->", r"'\(01,1\)' is not in the vocabulary"),
        ("(1,1) <-->", "(1,¹) <-->", r"is not in the vocabulary"),
        ("<PATH_END>", "<END>", r"'<END>' is not in the vocabulary"),
        ("<ADJLIST_START> ", "<ADJLIST_START>", r"'<ADJLIST_START>\(0,0\)' is not in the vocabulary"),
        ("(1,1) <--> (2,1)", "(1,1) <--> (2,2)", r"\(1, 1\) and \(2, 2\) are no neighbours"),
        ("(1,1) <--> (2,1)", "(1,1) <--> (1,1)", r"\(1, 1\) and \(1, 1\) are no neighbours"),
        ("(2,1) <--> (2,2)", "(2,2) <--> (2,3)", r"cell \(2, 3\) lies outside the 3 x 3 grid at offset \(0, 0\)"),
        ("<TARGET_START> (2,1)", "<TARGET_START> (4,1)", r"cell \(4, 1\) lies outside the 3 x 3 grid"),
        ("(2,0) (2,1) <PATH_END>", "(1,1) (2,1) <PATH_END>", r"steps from \(1, 0\) to \(1, 1\) through a wall"),
        ("(2,0) (2,1) <PATH_END>", "(2,1) <PATH_END>", r"steps from \(1, 0\) to \(2, 1\) through a wall"),
        ("(2,0) (2,1) <PATH_END>", "(2,0) <PATH_END>", r"the path runs \(0, 0\) to \(2, 0\), not \(0, 0\) to \(2, 1\)"),
        ("<PATH_START> (0,0) (1,0)", "<PATH_START> (1,0)", r"the path runs \(1, 0\) to \(2, 1\)"),
        ("(0,0) (1,0) (2,0)", "(0,0) ; (2,0)", r"expected a cell such as \(0,1\), got ';'"),
        ("<ORIGIN_START> (0,0)", "<ORIGIN_START> <-->", r"expected a cell such as \(0,1\), got '<-->'"),
        (
            "(0,1) ; (0,0)",
            "(0,1) (0,0)",
            r"expected 'cell <--> cell ;' in the list, got '\(0,0\) <--> \(0,1\) \(0,0\)'",
        ),
        ("(2,2) ; <ADJLIST_END>", "(2,2) <ADJLIST_END>", r"expected 'cell <--> cell ;' in the list, got"),
        ("<ORIGIN_START> (0,0) <ORIGIN_END> ", "", r"expected <ADJLIST_START> \.\.\. <ADJLIST_END>"),
        ("<TARGET_END>", "<TARGET_END> (0,0)", r"expected <ADJLIST_START>"),
        ("<PATH_END>", "<PATH_END> (0,0)", r"expected a cell such as|expected <ADJLIST_START>"),
        (WORKED, "", r"expected <ADJLIST_START>"),
        (WORKED, "<PADDING>", r"expected <ADJLIST_START>"),
        ("(2,0) <--> (2,1) ; ", "", r"target cannot be reached|through a wall"),
    ],
)
def test_refuses(old: str, new: str, message: str) -> None:
    assert old in WORKED
    with pytest.raises(MazeRLError, match=message) as caught:
        read(WORKED.replace(old, new, 1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(1,1)-(2,1)", "(1,1)-(2,2)", r"'\(1,1\)-\(2,2\)' is not in the vocabulary"),
        ("(1,1)-(2,1)", "(2,1)-(1,1)", r"'\(2,1\)-\(1,1\)' is not in the vocabulary"),
        ("(1,1)-(2,1)", "(1,1)", r"expected an edge such as \(0,0\)-\(0,1\) in the list, got '\(1,1\)'"),
        ("(1,1)-(2,1)", "(2,2)-(3,2)", r"cell \(3, 2\) lies outside the 3 x 3 grid"),
        ("<TARGET_START> (2,1)", "<TARGET_START> (1,1)-(2,1)", r"expected a cell such as \(0,1\)"),
    ],
)
def test_refuses_edges(old: str, new: str, message: str) -> None:
    assert old in WORKED_EDGES
    with pytest.raises(MazeRLError, match=message):
        read(WORKED_EDGES.replace(old, new, 1), "edges")


def test_text_of_the_other_format_is_refused() -> None:
    with pytest.raises(MazeRLError, match="is not in the vocabulary"):
        read(WORKED_EDGES, "unique_cells")
    with pytest.raises(MazeRLError, match="expected an edge such as"):
        read(WORKED, "edges")


TUPLES = re.sub(r"\((\d),(\d)\)", r"( \1 , \2 )", WORKED)
WALLED = WORKED.replace("<ADJLIST_START>", "<ADJLIST_START> (0,1) <XX> (1,1) ;")
MOVES = WORKED[: WORKED.index("<PATH_START>")] + "<PATH_START> SOUTH SOUTH EAST <PATH_END>"
QUERY = WORKED[WORKED.index("<ORIGIN_START>") : WORKED.index("<PATH_START>")]
BARE = WORKED.replace(" <-->", "").replace(" ;", "")
LISTED = "(0,0)[SE] (0,1)[EW] (0,2)[SW] (1,0)[NS] (1,1)[S] (1,2)[N] (2,0)[NE] (2,1)[NEW] (2,2)[W]"
AS_CELLS = f"<ADJLIST_START> {LISTED} {WORKED[WORKED.index('<ADJLIST_END>') :]}"
ON_PATH = WORKED.replace("<ORIGIN_START> (0,0) <ORIGIN_END> ", "")
TURNS, TURNS_ON_PATH = (
    text.replace("SOUTH SOUTH EAST", "BACKWARD FORWARD LEFT")
    for text in (MOVES, ON_PATH[: ON_PATH.index("(0,0) (1,0) (2,0) (2,1)")] + "(0,0) SOUTH SOUTH EAST <PATH_END>")
)
MOVES_ON_PATH = ON_PATH[: ON_PATH.index("(0,0) (1,0) (2,0) (2,1)")] + "(0,0) SOUTH SOUTH EAST <PATH_END>"


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("coordinate_tuples", {}, TUPLES),
        ("row_column", {}, re.sub(r"\((\d),(\d)\)", r"r\1 c\2", WORKED)),
        ("unique_cells", {"path": "moves"}, MOVES),
        ("unique_cells", {"path": "turns"}, TURNS),
        ("unique_cells", {"origin": "path", "path": "turns"}, TURNS_ON_PATH),
        ("unique_cells", {"walls": True}, WALLED),
        ("unique_cells", {"query": "first"}, QUERY + WORKED.replace(QUERY, "")),
        ("unique_cells", {"connectors": False}, BARE),
        ("unique_cells", {"origin": "path"}, ON_PATH),
        ("cells", {}, AS_CELLS),
        ("cells", {}, AS_CELLS.replace(LISTED, " ".join(reversed(LISTED.split())))),
        ("unique_cells", {"origin": "path"}, ON_PATH[: ON_PATH.index(" (1,0) (2,0) (2,1) <PATH_END>")]),
        ("unique_cells", {"origin": "path", "path": "moves"}, MOVES_ON_PATH),
        ("unique_cells", {"origin": "path", "path": "moves"}, MOVES_ON_PATH[: MOVES_ON_PATH.index(" SOUTH")]),
        ("coordinate_tuples", {"origin": "path"}, re.sub(r"\((\d),(\d)\)", r"( \1 , \2 )", ON_PATH)),
        ("edges", {"walls": True}, WORKED_EDGES.replace("(1,1)-(2,1)", "(0,1)|(1,1) (1,1)-(2,1)")),
    ],
)
def test_reads_every_format_and_option(name: str, options: dict, text: str, worked_maze: Maze) -> None:
    assert read(text, name, **options) == worked_maze


@pytest.mark.parametrize(
    ("name", "options", "text", "message"),
    [
        (
            "unique_cells",
            {"walls": True},
            WALLED.replace("(0,1) <XX> (1,1)", "(0,1) <XX> (0,0)"),
            r"edge between \(0, 0\) and \(0, 1\) is listed both as open and wall",
        ),
        (
            "edges",
            {"walls": True},
            WORKED_EDGES.replace("(1,1)-(2,1)", "(1,1)-(2,1) (1,1)|(2,1)"),
            r"edge between \(1, 1\) and \(2, 1\) is listed both as open and wall",
        ),
        ("unique_cells", {"path": "moves"}, WALLED, r"expected 'cell <--> cell ;' in the list"),
        ("unique_cells", {}, WALLED, r"'<XX>' is not in the vocabulary"),
        ("edges", {"path": "moves"}, WORKED_EDGES.replace("(1,1)-(2,1)", "(1,1)|(2,1)"), r"expected an edge such as"),
        (
            "unique_cells",
            {"path": "moves"},
            MOVES.replace("SOUTH SOUTH", "EAST SOUTH"),
            r"the path runs \(0, 0\) to \(1, 2\), not",
        ),
        (
            "unique_cells",
            {"path": "moves"},
            MOVES.replace("SOUTH SOUTH EAST", "EAST SOUTH SOUTH"),
            r"steps from \(0, 1\) to \(1, 1\) through a wall",
        ),
        (
            "unique_cells",
            {"path": "moves"},
            MOVES.replace("SOUTH SOUTH", "NORTH SOUTH"),
            r"the path leaves the grid: NORTH from \(0, 0\)",
        ),
        ("unique_cells", {"path": "moves"}, WORKED, r"expected a move \(NORTH, SOUTH, EAST, WEST\) in the path, got"),
        (
            "unique_cells",
            {"path": "turns"},
            TURNS.replace("FORWARD LEFT", "FORWARD RIGHT"),
            r"the path leaves the grid: RIGHT from \(2, 0\)",
        ),
        (
            "unique_cells",
            {"path": "turns"},
            TURNS.replace("FORWARD LEFT", "LEFT RIGHT"),
            r"steps from \(1, 0\) to \(1, 1\) through a wall",
        ),
        ("unique_cells", {"path": "turns"}, MOVES, r"expected a turn \(FORWARD, BACKWARD, LEFT, RIGHT\) .* 'SOUTH'"),
        ("unique_cells", {"path": "moves"}, TURNS, r"'BACKWARD' is not in the vocabulary"),
        ("unique_cells", {"query": "first"}, WORKED, r"expected <ORIGIN_START> cell .* in another order"),
        ("unique_cells", {"connectors": False}, WORKED, "expected a cell such as .*, got '<-->'"),
        (
            "coordinate_tuples",
            {},
            TUPLES.replace("( 1 , 1 ) <-->", "( 1 1 , ) <-->"),
            r"expected a cell such as \( 0 , 1 \), got '\( 1 1 , \)'",
        ),
        ("coordinate_tuples", {}, TUPLES.replace("( 1 , 1 ) <-->", "( 4 , 1 ) <-->"), r"cell \(4, 1\) lies outside"),
        ("unique_cells", {}, LIST_ONLY, r"<ORIGIN_START> is missing"),
        ("unique_cells", {}, WORKED.replace("<TARGET_START> (2,1) <TARGET_END> ", ""), r"<TARGET_START> is missing"),
        (
            "unique_cells",
            {},
            WORKED.replace("(2,1) <TARGET_END>", "<TARGET_END>"),
            r"expected a cell such as \(0,1\), got ''",
        ),
        ("unique_cells", {}, WORKED + " (0,0)", r"got '\(0,0\)' outside them"),
        ("unique_cells", {"origin": "path"}, WORKED, "got '<ORIGIN_START>' outside them"),
        (
            "unique_cells",
            {"origin": "path"},
            ON_PATH[: ON_PATH.index(" <PATH_START>")],
            r"<PATH_START> cell, the origin, and perhaps a path; <PATH_START> is missing",
        ),
        (
            "unique_cells",
            {"origin": "path"},
            ON_PATH[: ON_PATH.index(" (0,0) (1,0) (2,0) (2,1)")],
            r"expected a cell such as \(0,1\), got ''",
        ),
        (
            "unique_cells",
            {"origin": "path"},
            ON_PATH.replace("(1,0) (2,0) (2,1) <PATH_END>", "<PATH_END>"),
            r"the path runs \(0, 0\) to \(0, 0\), not \(0, 0\) to \(2, 1\)",
        ),
        (
            "unique_cells",
            {"origin": "path", "path": "moves"},
            MOVES_ON_PATH.replace("(0,0) SOUTH", "SOUTH"),
            r"expected a cell such as \(0,1\), got 'SOUTH'",
        ),
        ("unique_cells", {}, ON_PATH, r"<ORIGIN_START> is missing"),
        ("cells", {}, AS_CELLS.replace("(1,1)[S]", "(1,1)[]"), r"cell \(2, 1\) is open to \(1, 1\), which is closed"),
        ("cells", {}, AS_CELLS.replace("(1,2)[N]", "(1,2)[NW]"), r"cell \(1, 2\) is open to \(1, 1\), which is closed"),
        ("cells", {}, AS_CELLS.replace("(2,2)[W]", "(2,2)[EW]"), r"cell \(2, 2\) is open at the border of the grid"),
        ("cells", {}, AS_CELLS.replace("(0,1)[EW]", "(0,1)[NEW]"), r"cell \(0, 1\) is open at the border of the grid"),
        ("cells", {}, AS_CELLS.replace(" (1,1)[S]", ""), r"cell \(1, 1\) is not listed: the list has every cell once"),
        ("cells", {}, AS_CELLS.replace("(1,1)[S]", "(1,1)[S] (1,1)[S]"), r"cell \(1, 1\) is listed twice"),
        ("cells", {}, AS_CELLS.replace("(1,1)[S]", "(1,1)"), r"a cell with its open sides such as .* got '\(1,1\)'"),
        ("cells", {}, AS_CELLS.replace("(1,1)[S]", "(3,1)[S]"), r"cell \(3, 1\) lies outside the 3 x 3 grid"),
    ],
)
def test_refuses_in_every_format_and_option(name: str, options: dict, text: str, message: str) -> None:
    with pytest.raises(MazeRLError, match=message) as caught:
        read(text, name, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("grid", [(0, 3), (3, -1)])
def test_a_grid_without_cells_is_refused(grid: tuple[int, int]) -> None:
    with pytest.raises(MazeRLError, match="is out of bounds: sizes are 1 to 1024 cells per side"):
        load_tokenization("edges").from_text(WORKED_EDGES, grid)


def test_the_offset_is_taken_off(worked_maze: Maze) -> None:
    tokenization = load_tokenization("edges", canvas=5)
    moved = WORKED_EDGES
    for number in (2, 1, 0):  # one row down: rows first, from the largest
        moved = moved.replace(f"({number},", f"({number + 1},")
    assert tokenization.from_text(moved, (3, 3), offset=(1, 0)) == worked_maze
    with pytest.raises(MazeRLError, match=r"lies outside the 3 x 3 grid at offset \(0, 1\)"):
        tokenization.from_text(moved, (3, 3), offset=(0, 1))


@pytest.mark.parametrize("path", ["cells", "moves", "turns"])
@pytest.mark.parametrize("origin", ["prompt", "path"])
@pytest.mark.parametrize("name", FORMATS)
def test_an_ended_path_arrives_at_the_target(name: str, origin: str, path: str, worked_maze: Maze) -> None:
    words = load_tokenization(name, canvas=5, origin=origin, path=path)
    encoded = words.encode(worked_maze, prompt_only=True)
    prompt = str(words.decode(encoded.tokens[0]))
    assert words.from_text(prompt, (3, 3)) == worked_maze
    with pytest.raises(InvalidMazeError, match=r"the path runs \(0, 0\) to \(0, 0\), not \(0, 0\) to \(2, 1\)"):
        words.from_text(f"{prompt} <PATH_END>", (3, 3))


@pytest.mark.parametrize("path", ["cells", "moves", "turns"])
@pytest.mark.parametrize("origin", ["prompt", "path"])
def test_a_path_without_a_step_arrives_where_the_target_is_the_origin(
    origin: str, path: str, worked_maze: Maze
) -> None:
    words, here = load_tokenization("edges", canvas=5, origin=origin, path=path), (1, 1)
    staying = Maze(worked_maze.connections, here, here)
    assert words.from_text(words.to_text(staying), (3, 3)) == staying
