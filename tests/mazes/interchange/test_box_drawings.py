"""Box drawings read back: what is drawn in terminals, alone and side by side, and other people's lines."""

from itertools import product

import numpy as np
import pytest

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.box_drawings import from_boxes, has_boxes
from maze_rl.mazes.interchange.drawings import read_drawings
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.drawing import draw_boxes
from maze_rl.mazes.pictures.marked_drawing import draw_marked
from maze_rl.mazes.pictures.marks import marks_of
from maze_rl.mazes.solve import solve
from maze_rl.workflows.show import draw_text, shown_mazes

HOOK = """
┌───────┐
│ S     │
├────   │
│ E     │
└───────┘
""".replace("├────   │", "├───╴   │")


def read(text: str) -> list[Maze]:
    return read_drawings(text)


def test_a_drawing_by_hand() -> None:
    (maze,) = read(HOOK)
    assert (maze.shape, maze.origin, maze.target) == ((2, 2), (0, 0), (1, 0))
    assert maze.connections.astype(int).tolist() == [[[0, 1], [0, 0]], [[1, 0], [1, 0]]]
    assert draw_boxes(maze) == HOOK.strip("\n")


@pytest.mark.parametrize("marks", [(), ("solution",), ("distances", "forks"), ("all_paths", "dead_ends", "distances")])
def test_every_drawing_of_show_is_read_back(marks: tuple[str, ...]) -> None:
    mazes = generate([2, 3, (2, 6), (4, 7), 9], "percolation", num=25, seed=2, percolation=0.6)
    shown = shown_mazes(mazes)
    for width, colour in product((20, 90, 200), (False, True)):
        assert read(draw_text(shown, marks, width, colour)) == list(mazes)


def test_long_numbers_widen_the_cells_and_all_widths_are_told_apart() -> None:
    for length in (12, 120, 1200):
        connections = np.zeros((2, 1, length), np.bool_)
        connections[1, 0, :-1] = True
        corridor = Maze(connections, (0, 0), (0, length - 1))
        drawn = draw_marked(corridor, marks_of(solve(corridor), ("distances",)))
        assert read(drawn) == [corridor]


@pytest.mark.parametrize(
    ("characters", "others"),
    [
        ("┌┐└┘─│├┤╴", "╔╗╚╝═║╠╣╸"),
        ("┌┐└┘─│├┤╴", "┏┓┗┛━┃┣┫╸"),
        ("┌┐└┘─│├┤╴", "╭╮╰╯╌╎├┤╴"),
        ("┌┐└┘─│├┤╴", "++++-|+++"),
    ],
)
def test_other_lines(characters: str, others: str) -> None:
    text = HOOK.translate(str.maketrans(characters, others))
    if others[0] == "+":
        text = text.replace("+-------+", "+---+---+")
    assert read(text) == read(HOOK)
    assert read(text.replace("S", "s").replace("E", "g").replace("\n", "\r\n")) == read(HOOK)


FAULTS = {
    "broken wall": (HOOK.replace("├───", "├─ ─"), "maze 1: line 4, column 3: the wall '─ ─' is broken"),
    "loose post": (
        HOOK.replace("├", "│"),
        "maze 1: line 4, column 1: '│' does not join the walls beside it, '├' would",
    ),
    "open border": (
        HOOK.replace("│ S     │", "│ S      "),
        "maze 1: line 2, column 9: '┐' does not join the walls",
    ),
    "no end": (HOOK.replace("E", " "), "maze 1: line 2, column 1: no end is marked"),
    "two starts": (
        HOOK.replace("E", "S"),
        "maze 1: line 5, column 3: a second start; the first is at line 3, column 3",
    ),
    "cut": (
        "\n".join(HOOK.split("\n")[:4]),
        "maze 1: line 4, column 1: '├' does not join the walls",
    ),
    "stray": (HOOK + "\n┘", "line 8, column 1: a wall outside of the drawings"),
    "second": (HOOK + HOOK.replace("E", " "), "maze 2: line 8, column 1: no end is marked"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_by_line_and_column(fault: str) -> None:
    text, message = FAULTS[fault]
    with pytest.raises(InvalidMazeError, match=message) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_other_texts_are_no_box_drawings() -> None:
    assert not has_boxes(["#####", "#S E#", "#####"])
    assert not has_boxes(["a | b - c", "+ 1"])
    assert from_boxes(["nothing drawn"]) == []
