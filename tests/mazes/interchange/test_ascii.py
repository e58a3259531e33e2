"""Mazes as text and back: drawings made by hand and every kind of fault."""

from collections.abc import Callable

import numpy as np
import pytest

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.ascii import draw_ascii, from_ascii, path_of_ascii
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.solve import solve

SNAKE = """
#######
#SXXXX#
#####X#
#EXXXX#
#######
"""
WALK = [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0)]


def test_a_drawing_by_hand() -> None:
    maze = from_ascii(SNAKE)
    assert (maze.shape, maze.origin, maze.target) == ((2, 3), (0, 0), (1, 0))
    assert maze.connections.astype(int).tolist() == [[[0, 0, 1], [0, 0, 0]], [[1, 1, 0], [1, 1, 0]]]
    assert path_of_ascii(SNAKE) == WALK
    assert path_of_ascii(SNAKE.replace("X", " ")) == []
    assert from_ascii(SNAKE.replace("\n", "\r\n")) == maze == from_ascii(SNAKE.replace("X", " "))


def test_generated_mazes_and_their_solutions_come_back() -> None:
    mazes = generate([2, 3, 6, 9], "dfs_percolation", num=60, seed=1, percolation=0.3)
    solutions = solve(mazes)
    for index, maze in enumerate(mazes):
        text = draw_ascii(maze, solutions[index].path)
        assert (from_ascii(text), path_of_ascii(text)) == (maze, solutions[index].path)


def test_rectangles_and_isolated_cells_come_back(random_graphs: Callable) -> None:
    drawn = [maze for maze in random_graphs(60, 3, 5, 0.4) if maze.origin != maze.target]
    assert len(drawn) > 20
    for maze in drawn:
        assert from_ascii(draw_ascii(maze)) == maze


def test_a_path_may_stop_early_or_go_on_behind_the_end() -> None:
    for path in ([(0, 0), (0, 1)], [(0, 0), (1, 0), (1, 1)]):
        maze = Maze(np.array([[[1, 1], [0, 0]], [[1, 0], [1, 0]]], np.bool_), (0, 0), (1, 0))
        assert path_of_ascii(draw_ascii(maze, path)) == path


FAULTS = {
    "empty": ("\n\n", "the text is empty"),
    "even": ("####\n#SE#\n####", "line 1, column 1: a picture of 3 x 4: expected 2 rows . 1 by 2 cols . 1"),
    "flat": ("#####", "a picture of 1 x 5"),
    "ragged": ("#####\n#S E\n#####", "line 2, column 5: expected a wall"),
    "too long": ("\n#####\n#S E##\n#####", "line 2, column 1: a picture of 3 x 6"),
    "blank line inside": ("#####\n\n#S E#\n#####", "line 3, column 1: a second drawing begins"),
    "strange": ("#####\n#S?E#\n#####", r"line 2, column 3: '\?' is none of # \(wall\), blank \(open\)"),
    "tab": ("#####\n#S\tE#\n#####", "line 2, column 3: a tab, whose width is not written"),
    "post": ("#####\n#S E#\n## ##\n#   #\n#####".replace("## ##", "#   #"), "line 3, column 3: expected a wall"),
    "border": ("#####\n#S E \n#####", "line 2, column 5: expected a wall"),
    "cell": ("#####\n#S E#\n#####\n### #\n#####", "line 4, column 2: expected a cell, got a wall"),
    "start between cells": ("#######\n# S  E#\n#######", "line 2, column 3: start and end belong on cells"),
    "no start": ("#####\n#  E#\n#####", "line 1, column 1: no start is marked"),
    "no end": ("#####\n#S  #\n#####", "no end is marked"),
    "two starts": ("#######\n#S S E#\n#######", "line 2, column 4: a second start; the first is at line 2, column 2"),
    "two ends": ("#######\n#S E E#\n#######", "line 2, column 6: a second end; the first is at line 2, column 4"),
    "parted": ("#######\n#S# #E#\n#######", "line 2, column 6: this end cannot be reached from the start"),
    "mark on a post": ("#####\n#S E#\n##X##\n#   #\n#####", "line 3, column 3: expected a wall"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_by_line_and_column(fault: str) -> None:
    text, message = FAULTS[fault]
    for read in (from_ascii, path_of_ascii):
        with pytest.raises(InvalidMazeError, match=message) as caught:
            read(text)
        assert "\n" not in str(caught.value)


MARKS = {
    "branch": ("#######\n#SXXXE#\n#X# # #\n#X    #\n#######", "branches"),
    "loop": ("#######\n#SXX E#\n#X#X# #\n#XXX  #\n#######", "branches, closes a loop or has a gap"),
    "gap": ("#######\n#SX  E#\n#######", "line 2, column 3: .* has a gap here"),
    "afar": ("#######\n#S   E#\n### # #\n#  X  #\n#######", "line 4, column 4: this mark does not continue the path"),
    "opening alone": ("#######\n#S  XE#\n#######", "line 2, column 5: this mark does not continue"),
}


@pytest.mark.parametrize("fault", MARKS)
def test_marks_that_are_no_path_are_refused_but_the_maze_is_read(fault: str) -> None:
    text, message = MARKS[fault]
    with pytest.raises(InvalidMazeError, match=message):
        path_of_ascii(text)
    assert draw_ascii(from_ascii(text)) == text.replace("X", " ")


def test_a_grid_larger_than_coordinates_reach_is_refused() -> None:
    side = 2**15 + 1
    text = "\n".join(["#" * (2 * side + 1), "#S" + " " * (2 * side - 3) + "E#", "#" * (2 * side + 1)])
    with pytest.raises(InvalidMazeError, match="a picture of 3 x 65539"):
        from_ascii(text)


AS_PEOPLE_WRITE = {
    "byte order mark": "\ufeff#####\n#S E#\n#####",
    "windows line ends": "#####\r\n#S E#\r\n#####\r\n",
    "old line ends": "#####\r#S E#\r#####\r",
    "trailing blanks": "#####   \n#S E# \n#####\n   \n",
    "indented": "\n    #####\n    #S E#\n    #####\n",
    "small letters": "#####\n#s e#\n#####",
    "target and goal": "#####\n#S G#\n#####",
    "origin and target": "#####\n#O T#\n#####",
    "small origin": "#####\n#o t#\n#####",
    "stars": "#####\n#S*E#\n#####",
    "dots": "#####\n#S.E#\n#####",
    "rings": "#####\n#SoE#\n#####",
    "full blocks": "█████\n█S E█\n█████",
    "no-break blanks": "#####\n#S\u00a0E#\n#####",
    "colours": "#####\n#\033[1mS\033[0m E#\n#####",
}


@pytest.mark.parametrize("how", AS_PEOPLE_WRITE)
def test_what_people_write_is_the_same_maze(how: str) -> None:
    maze = from_ascii(AS_PEOPLE_WRITE[how])
    assert draw_ascii(maze) == "#####\n#S E#\n#####"


@pytest.mark.parametrize("mark", ["X", "x", "o", "O", "*", ".", "·"])
def test_every_mark_is_a_path(mark: str) -> None:
    drawing = "#######\n#SXXXX#\n#####X#\n#EXXXX#\n### ###\n#     #\n#######"  # blanks: dots are marks
    assert path_of_ascii(drawing.replace("X", mark)) == path_of_ascii(drawing) == WALK


def test_dots_are_the_floor_where_nothing_is_blank_or_another_mark_is_used() -> None:
    floor = "#######\n#S...E#\n#.#####\n#.....#\n#######"
    assert path_of_ascii(floor) == []
    assert from_ascii(floor) == from_ascii(floor.replace(".", " "))
    assert path_of_ascii(floor.replace("S...E", "SoooE")) == [(0, 0), (0, 1), (0, 2)]


def test_places_count_the_lines_and_columns_of_the_whole_text() -> None:
    with pytest.raises(InvalidMazeError, match="line 4, column 7: expected a wall"):
        from_ascii("\n\n  #####\n  #S E\n  #####")
