"""Token text back to mazes: what is no maze is refused in one line that names the fault."""

import pytest

from maze_rl.errors import MazeRLError
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


def read(text: str, name: str = "unique_cells") -> Maze:
    return load_tokenization(name, canvas=5).from_text(text, (3, 3))


@pytest.mark.parametrize(("name", "text"), [("unique_cells", WORKED), ("edges", WORKED_EDGES)])
def test_reads_the_worked_example(name: str, text: str, worked_maze: Maze) -> None:
    assert read(text, name) == worked_maze
    assert read(text + " <PADDING>" * 3, name) == worked_maze
    assert read("  " + text.replace(" ", "\n") + "\n", name) == worked_maze


def test_a_prompt_is_enough(worked_maze: Maze) -> None:
    prompt = WORKED[: WORKED.index(" <PATH_START>")]
    for ending in ("", " <PATH_START>", " <PATH_START> <PATH_END>", " <PATH_START> (0,0) (1,0) (2,0) (2,1)"):
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


def test_the_offset_is_taken_off(worked_maze: Maze) -> None:
    tokenization = load_tokenization("edges", canvas=5)
    moved = WORKED_EDGES
    for number in (2, 1, 0):  # one row down: rows first, from the largest
        moved = moved.replace(f"({number},", f"({number + 1},")
    assert tokenization.from_text(moved, (3, 3), offset=(1, 0)) == worked_maze
    with pytest.raises(MazeRLError, match=r"lies outside the 3 x 3 grid at offset \(0, 1\)"):
        tokenization.from_text(moved, (3, 3), offset=(0, 1))
