"""Puzzles in the CSV form of Maze-Hard: ``question`` a flat grid of cells, ``answer`` the same with a shortest path.

Columns are ``source, question, answer, rating``, as in the data of Wang et al. 2025 ("Hierarchical Reasoning Model",
2506.21734). Only `question` must be there; an `answer` is checked against our solver. A grid is one flat string of n*n
characters, or has line breaks. What the characters stand for: `maze_rl.mazes.interchange.cell_grids`.
"""

import csv
import io
from collections.abc import Iterable

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.interchange.cell_grids import draw_cell_grid, flat_block, from_cell_grid, maze_of_cells
from maze_rl.mazes.interchange.drawn_text import Block, cell_blocks, codes_of, drawn_lines
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.drawing import PATH
from maze_rl.mazes.solve import solve

_COLUMNS = ("source", "question", "answer", "rating")
_LARGEST_FIELD = 1 << 24


def from_maze_hard(text: str) -> list[Maze]:
    """Return the mazes of a CSV text, in the order of its rows.

    Raises:
        InvalidMazeError: There is no column `question`, a grid is no maze, or an answer is not its question with a
            shortest path; names the row, and the line and column of the grid, from 1.
    """
    csv.field_size_limit(_LARGEST_FIELD)
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    mazes: list[Maze] = []
    try:
        names = ", ".join(rows.fieldnames or ())
        if "question" not in (rows.fieldnames or ()):
            raise InvalidMazeError(f"line 1: expected a column `question`, got {names!r:.80}.")
        for row in rows:
            mazes.append(_maze(row, len(mazes) + 1))
    except csv.Error as error:
        raise InvalidMazeError(f"line {rows.line_num}: is no CSV ({error}).") from None
    return mazes


def to_maze_hard(mazes: Iterable[Maze], source: str = "maze_rl") -> str:
    """Write mazes as CSV, each with a shortest path as its answer; `rating` is the number of its steps.

    Raises:
        InvalidMazeError: A maze is not square, or no grid of free cells; names its number, from 1.
    """
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for number, maze in enumerate(mazes, 1):
        if maze.shape[0] != maze.shape[1]:
            size = f"{maze.shape[0]} x {maze.shape[1]}"
            raise InvalidMazeError(f"maze {number}: is {size}; a flat grid is square: write .cells.txt.")
        try:
            question = draw_cell_grid(maze)
        except InvalidMazeError as error:
            raise InvalidMazeError(f"maze {number}: {error}") from None
        solution = solve(maze)
        answer = draw_cell_grid(maze, solution.path)
        rows.writerow((source, question.replace("\n", ""), answer.replace("\n", ""), solution.distance))
    return out.getvalue()


def _maze(row: dict[str, str | None], number: int) -> Maze:
    question, answer = row.get("question") or "", row.get("answer") or ""
    name = "question"
    try:
        maze = _grid(question)
        if answer:
            name = "answer"
            _check_answer(answer, question, maze)
    except InvalidMazeError as error:
        raise InvalidMazeError(f"row {number}, {name}: {error}") from None
    return maze


def _check_answer(answer: str, question: str, maze: Maze) -> None:
    """It is the question's maze; that its marks are a shortest path is checked where a grid is read."""
    if len(answer) != len(question):
        raise InvalidMazeError(f"{len(answer)} characters, the question has {len(question)}.")
    if _grid(answer) != maze:
        raise InvalidMazeError("another maze than the question.")
    if not any((codes_of(block) == PATH).any() for block in _blocks(answer)) and solve(maze).distance > 1:
        raise InvalidMazeError("no path is marked: expected o on the cells of a shortest one.")


def _grid(text: str) -> Maze:
    blocks = _blocks(text)
    return maze_of_cells(blocks[0]) if len(blocks) == 1 else from_cell_grid(text)


def _blocks(text: str) -> list[Block]:
    """Return the grids of a text: one, where it is as it should be."""
    lines = drawn_lines(text.strip("\r\n"))
    return cell_blocks(drawn_lines(text)) if len(lines) > 1 else [flat_block(lines[0], 1)]
