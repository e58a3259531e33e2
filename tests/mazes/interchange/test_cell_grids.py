"""Grids of free cells: rooms and obstacles by hand, and every kind of fault."""

import numpy as np
import pytest

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.cell_grids import draw_cell_grid, from_cell_grid
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.measures import measure
from maze_rl.mazes.pictures.drawing import draw_boxes
from maze_rl.mazes.solve import solve
from maze_rl.tokenization.tokenization import load_tokenization

ROOM = "S  \n # \n  G"


def test_free_neighbours_are_connected_and_blocked_cells_are_not() -> None:
    maze = from_cell_grid(ROOM)
    assert (maze.shape, maze.origin, maze.target) == ((3, 3), (0, 0), (2, 2))
    assert maze.connections.astype(int).tolist() == [
        [[1, 0, 1], [1, 0, 1], [0, 0, 0]],
        [[1, 1, 0], [0, 0, 0], [1, 1, 0]],
    ]
    solution = solve(maze)
    assert (solution.distance, solution.path_count) == (4, 2)
    assert solution.distances.tolist() == [[4, 3, 2], [3, -1, 1], [2, 1, 0]]
    assert draw_cell_grid(maze) == ROOM
    assert draw_cell_grid(maze, [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2)]) == "Soo\n #o\n  G"


def test_rows_of_blanks_and_lines_cut_short_are_free_cells() -> None:
    assert from_cell_grid("   \nS G\n   ").shape == (3, 3)
    assert from_cell_grid("#####\n#S\n#  G#") == from_cell_grid("#####\n#S   \n#  G#")
    assert from_cell_grid("....\nS..G").connections.sum() == 4 + 6


def test_isolated_cells_go_through_everything() -> None:
    """Encoded in every format and read back, measured, drawn: a blocked cell is a cell without an open side."""
    maze = from_cell_grid("#####\n#S  #\n### #\n#G  #\n#####")
    for name in ("cells", "edges", "unique_cells", "coordinate_tuples", "row_column"):
        for offsets in (False, True):
            tokenization = load_tokenization(name, canvas=9, random_offsets=offsets)
            assert tokenization.from_text(tokenization.to_text(maze, seed=4), maze.shape) == maze
    words = load_tokenization("cells", canvas=9).to_text(maze).split()
    assert words.count("(0,0)[]") == words.count("(2,2)[]") == 1
    assert int(measure(maze.as_batch()).distance[0]) == 6
    assert draw_boxes(maze).count("─") > 10


FAULTS = {
    "no start": ("  G\n###", "line 1, column 1: no start is marked"),
    "two ends": ("SG\nG ", "line 2, column 1: a second end; the first is at line 1, column 2"),
    "cut off": ("S#G", "line 1, column 3: this end cannot be reached from the start"),
    "strange": ("S @\n  G", "line 1, column 3: '@' is none of # "),
    "tab": ("S\tG", "line 1, column 2: a tab"),
    "two grids": ("S G\n\nS G", "line 3, column 1: a second grid begins"),
    "empty": (" \n", "the text is empty"),
    "detour": ("So \n#oo\nGoo", "line 1, column 2: this mark|column"),
    "gap": ("S G\no  ", "line 2, column 1: this mark and the others are no path of 2 steps"),
    "breaks off": ("So  G", "line 1, column 2: the marked path breaks off here, 3 steps before the end"),
    "two paths": ("SoG\nooo", "this mark and the others are no path of 2 steps"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_by_line_and_column(fault: str) -> None:
    text, message = FAULTS[fault]
    with pytest.raises(InvalidMazeError, match=message) as caught:
        from_cell_grid(text)
    assert "\n" not in str(caught.value)


def test_every_shortest_path_is_accepted_and_only_those() -> None:
    grid, accepted = "S   \n # #\n    \n## G", 0
    maze = from_cell_grid(grid)
    free = [at for at, character in enumerate(grid) if character == " "]
    for chosen in range(1 << len(free)):
        marked = list(grid)
        for bit, at in enumerate(free):
            if chosen >> bit & 1:
                marked[at] = "o"
        try:
            assert from_cell_grid("".join(marked)) == maze
            accepted += bool(chosen)
        except InvalidMazeError:
            continue
    assert accepted == solve(maze).path_count == 4


def test_mazes_with_walls_between_free_cells_are_refused() -> None:
    maze = generate(4, "dfs", num=1)[0]
    with pytest.raises(InvalidMazeError, match=r"a wall stands between the cells \(\d, \d\) and \(\d, \d\)"):
        draw_cell_grid(maze)
    hall = np.zeros((2, 2, 2), np.bool_)
    hall[0, 0, :] = hall[1, :, 0] = True
    with pytest.raises(InvalidMazeError, match=r"whose origin is its target, \(1, 1\)"):
        draw_cell_grid(Maze(hall, (1, 1), (1, 1)))
