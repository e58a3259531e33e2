"""Puzzles in the CSV form of Maze-Hard."""

import pytest

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.interchange.cell_grids import from_cell_grid
from maze_rl.mazes.interchange.maze_hard import from_maze_hard, to_maze_hard

QUESTION, ANSWER = "S  # #  G", "So #o# oG"
GRIDS = ["S  \n##G\n   ", "S#G\n # \n   "]


def rows(*pairs: tuple[str, str]) -> str:
    return "source,question,answer,rating\n" + "".join(f"web,{question},{answer},7\n" for question, answer in pairs)


def test_questions_become_mazes() -> None:
    (maze,) = from_maze_hard(rows((QUESTION, ANSWER)))
    assert maze == from_cell_grid("S  \n# #\n  G")
    assert from_maze_hard('question\n"S  \n# #\n  G"\n') == [maze]
    assert from_maze_hard(f"\ufeffquestion,answer\r\n{QUESTION},\r\n") == [maze]


def test_what_is_written_is_read_back_and_answers_are_checked() -> None:
    mazes = [from_cell_grid(grid) for grid in GRIDS]
    text = to_maze_hard(mazes)
    assert text.split("\n")[0] == "source,question,answer,rating"
    assert text.split("\n")[1].split(",")[1:] == ["S  ##G   ", "Soo##G   ", "3"]
    assert from_maze_hard(text) == mazes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("puzzle\nS  ##   G\n", "line 1: expected a column `question`, got 'puzzle'"),
        ("", "line 1: expected a column `question`"),
        ("question\nS  ##  G\n", "row 1, question: line 1, column 1: 8 characters, which is no square"),
        ("question\nS  ##   G\nS  ###  G\n", "row 2, question: line 1, column 9: this end cannot be reached"),
        ("question\nS  ##  GG\n", "row 1, question: line 1, column 9: a second end; the first is at line 1, column 8"),
        (rows((QUESTION, ANSWER[1:])), "row 1, answer: 8 characters, the question has 9"),
        (rows((QUESTION, "Soo##o##G")), "row 1, answer: another maze than the question"),
        (rows((QUESTION, QUESTION)), "row 1, answer: no path is marked"),
        (
            rows((QUESTION, "Soo#o# oG")),
            "row 1, answer: line 1, column 3: this mark and the others are no path of 4 steps",
        ),
        (
            rows((QUESTION, "So # # oG")),
            "row 1, answer: line 1, column 2: the marked path breaks off here, 3 steps before",
        ),
        ('question\n"S  # #  G\n', "is no CSV"),
    ],
)
def test_faults_name_row_and_column(text: str, message: str) -> None:
    with pytest.raises(InvalidMazeError, match=message) as caught:
        from_maze_hard(text)
    assert "\n" not in str(caught.value)


def test_what_no_flat_grid_can_show_is_refused() -> None:
    with pytest.raises(InvalidMazeError, match="maze 1: is 1 x 3; a flat grid is square"):
        to_maze_hard([from_cell_grid("S G")])


@pytest.mark.parametrize("mark", ["o", "X", "x", "*", ".", "·"])
def test_an_answer_may_be_marked_with_any_mark_of_a_path(mark: str) -> None:
    assert from_maze_hard(rows((QUESTION, ANSWER.replace("o", mark)))) == from_maze_hard(rows((QUESTION, ANSWER)))
    wrong = f"S{mark} # #  G"
    with pytest.raises(InvalidMazeError, match="the marked path breaks off here"):
        from_maze_hard(rows((QUESTION, wrong)))


def test_an_answer_without_a_mark_is_refused() -> None:
    for question in (QUESTION, QUESTION.replace(" ", ".")):
        with pytest.raises(InvalidMazeError, match="row 1, answer: no path is marked"):
            from_maze_hard(rows((question, question)))
