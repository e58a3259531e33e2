"""Which way a text is read: as walls, as cells, as flat grids; several drawings in one text."""

import pytest

from maze_rl.errors import InvalidMazeError, UnknownNameError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.ascii import draw_ascii, from_ascii
from maze_rl.mazes.interchange.cell_grids import from_cell_grid
from maze_rl.mazes.interchange.drawings import read_drawings

WALLS = "#######\n#S#   #\n# # # #\n#   #E#\n#######"
ROOM = "########\n#S     #\n#  ##  #\n#     G#\n########"
FLAT = "S    # # #     # # #    G"


def test_each_block_is_read_as_it_looks() -> None:
    mazes = read_drawings(f"{WALLS}\n\n{ROOM}\n\n\n{FLAT}\n   \n{WALLS}")
    flat = "\n".join(FLAT[start : start + 5] for start in range(0, 25, 5))
    assert mazes == [from_ascii(WALLS), from_cell_grid(ROOM), from_cell_grid(flat), from_ascii(WALLS)]
    assert [maze.shape for maze in mazes] == [(2, 3), (5, 8), (5, 5), (2, 3)]


def test_blanks_between_drawings_may_be_as_long_as_the_drawings() -> None:
    assert read_drawings(f"{WALLS}\n{' ' * 7}\n{WALLS}") == [from_ascii(WALLS)] * 2


def test_the_reading_can_be_chosen() -> None:
    (as_cells,) = read_drawings(WALLS, "cells")
    assert (as_cells.shape, as_cells.origin) == ((5, 7), (1, 1))
    assert read_drawings(WALLS, "walls") == read_drawings(WALLS)
    (corridor,) = read_drawings(FLAT.replace("#", " "), "cells")
    assert corridor.shape == (1, 25)
    assert [maze.shape for maze in read_drawings("S  G\n\nSG  ", "flat")] == [(2, 2), (2, 2)]
    with pytest.raises(InvalidMazeError, match="maze 1: line 1, column 1: a picture of 5 x 8"):
        read_drawings(ROOM, "walls")
    with pytest.raises(InvalidMazeError, match="line 1, column 1: 5 characters, which is no square"):
        read_drawings("S   G", "flat")
    with pytest.raises(UnknownNameError, match="Did you mean 'walls'"):
        read_drawings(ROOM, "wals")


def test_a_damaged_drawing_of_walls_is_not_read_as_cells() -> None:
    """Every single change of a wall or a cell is refused where it stands, or is another opening."""
    mazes = generate([3, 5], "dfs", num=4, seed=1)
    for maze in mazes:
        lines = draw_ascii(maze).split("\n")
        for row, line in enumerate(lines):
            for col, character in enumerate(line):
                if character in "SE":
                    continue
                changed = list(lines)
                changed[row] = line[:col] + (" " if character == "#" else "#") + line[col + 1 :]
                try:
                    (read,) = read_drawings("\n".join(changed))
                except InvalidMazeError as error:
                    assert f"line {row + 1}, column {col + 1}: expected" in str(error) or "cannot be reached" in str(
                        error
                    )
                    continue
                assert read.shape == maze.shape
                assert abs(int(read.connections.sum()) - int(maze.connections.sum())) == 1


def test_the_hint_names_the_other_reading() -> None:
    with pytest.raises(InvalidMazeError, match=r"line 3, column 3: expected a wall.* the reading is `cells`"):
        read_drawings("#####\n#S E#\n#   #\n#   #\n#####")


def test_faults_name_the_maze_and_the_line_in_the_whole_text() -> None:
    with pytest.raises(InvalidMazeError, match=r"^maze 2: line 8, column 6: this end cannot be reached"):
        read_drawings(f"{WALLS}\n\n#######\n#S# #E#\n#######")
    with pytest.raises(InvalidMazeError, match=r"^maze 2: line 3, column 1: no start is marked"):
        read_drawings(f"{FLAT}\n\nG{FLAT[1:]}")


def test_flat_grids_of_several_sizes_are_each_of_their_own() -> None:
    """The short lines are not lengthened to the longest, which made other, larger mazes of them."""
    large = "S" + " " * 47 + "G"
    small = "G" + " " * 23 + "S"
    mazes = read_drawings(f"{large}\n{small}\n{FLAT}\n")
    assert [maze.shape for maze in mazes] == [(7, 7), (5, 5), (5, 5)]
    assert mazes == read_drawings(f"{large}\n{small}\n{FLAT}\n", "flat")
    assert [maze.shape for maze in read_drawings(f"{large}\nSG{' ' * 45}\n")] == [(7, 7), (7, 7)], "blanks lost"
