"""Mazes as text and as pictures, against drawings made by hand."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.ascii import draw_ascii
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.drawing import draw_boxes, pixels
from maze_rl.mazes.pictures.plotting import GalleryItem, first_wrong_step, plot_gallery, plot_maze, wall_segments
from maze_rl.mazes.solve import Solution, solve

SNAKE = [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0)]


@pytest.fixture
def snake() -> Maze:
    """Two rows of three cells, joined at the right end."""
    connections = np.zeros((2, 2, 3), np.bool_)
    connections[1, :, :2] = True
    connections[0, 0, 2] = True
    return Maze(connections, (0, 0), (1, 0))


def test_pixels_are_those_of_maze_dataset(snake: Maze) -> None:
    assert draw_ascii(snake) == "\n".join(["#######", "#S    #", "##### #", "#E    #", "#######"])
    assert draw_ascii(snake, SNAKE) == "\n".join(["#######", "#SXXXX#", "#####X#", "#EXXXX#", "#######"])


def test_boxes(snake: Maze) -> None:
    assert draw_boxes(snake, SNAKE) == "\n".join(
        [
            "┌───────────┐",
            "│ S · · · · │",
            "├───────╴ · │",
            "│ E · · · · │",
            "└───────────┘",
        ]
    )


def test_a_walk_through_walls_and_off_the_grid_leaves_the_walls_standing(snake: Maze) -> None:
    drawn = draw_ascii(snake, [(0, 1), (1, 1), (5, 5)])
    assert drawn == "\n".join(["#######", "#S X  #", "##### #", "#E X  #", "#######"])


def test_open_pixels_are_the_cells_and_the_open_edges() -> None:
    for maze in generate(sizes=[3, 7], algorithm="dfs_percolation", num=6, seed=4):
        rows, cols = maze.shape
        assert int((pixels(maze) != 0).sum()) == rows * cols + int(maze.connections.sum())


def test_all_lines_are_equally_wide() -> None:
    maze = generate(sizes=9, num=1, seed=2)[0]
    assert {len(line) for line in draw_boxes(maze).splitlines()} == {4 * 9 + 1}


def test_first_wrong_step(snake: Maze) -> None:
    assert first_wrong_step(snake, SNAKE) is None
    assert first_wrong_step(snake, SNAKE[:3]) is None, "stopping early is not a wrong cell"
    assert first_wrong_step(snake, [(0, 0), (1, 0)]) == 1, "through a wall, though it is the target"
    assert first_wrong_step(snake, [*SNAKE, (1, 1)]) == len(SNAKE)
    assert first_wrong_step(snake, [(0, 0), (0, 1), (0, 0)]) == 2
    assert first_wrong_step(snake, [(0, 1)]) == 0
    assert first_wrong_step(snake, []) is None
    assert first_wrong_step(snake, [(0, 0), (9, 9), (9, 8)]) == 1


def test_walls_are_drawn_as_long_as_they_go(snake: Maze) -> None:
    assert sorted(wall_segments(snake)) == sorted(
        [
            ((-0.5, -0.5), (2.5, -0.5)),
            ((-0.5, 0.5), (1.5, 0.5)),
            ((-0.5, 1.5), (2.5, 1.5)),
            ((-0.5, -0.5), (-0.5, 1.5)),
            ((2.5, -0.5), (2.5, 1.5)),
        ]
    )


def test_total_wall_length_matches_the_closed_edges() -> None:
    maze = generate(sizes=8, num=1, seed=9)[0]
    length = sum(abs(x1 - x0) + abs(y1 - y0) for (x0, y0), (x1, y1) in wall_segments(maze))
    assert length == 4 * 8 + (2 * 8 * 7 - int(maze.connections.sum()))


def lines_of(figure: Figure, colour: str) -> list[np.ndarray]:
    return [line.get_xydata() for axes in figure.axes for line in axes.lines if line.get_color() == colour]  # type: ignore


def test_the_wrong_part_of_a_walk_has_its_own_colour(snake: Maze) -> None:
    walk = [(0, 0), (0, 1), (0, 0)]
    figure = plot_gallery([GalleryItem(maze=snake, walk=walk)], columns=1)
    (right,) = lines_of(figure, "#0072b2")
    wrong, cross = lines_of(figure, "#d55e00")
    assert right.tolist() == [[0, 0], [1, 0]]
    assert wrong.tolist() == [[1, 0], [0, 0]]
    assert cross.tolist() == [[0, 0]]


def test_a_right_walk_has_no_wrong_part(snake: Maze) -> None:
    figure = plot_gallery([GalleryItem(maze=snake, walk=SNAKE, solution=SNAKE)], columns=1)
    assert lines_of(figure, "#d55e00") == []
    assert len(lines_of(figure, "#0072b2")) == 1


@pytest.mark.parametrize("walk", [[], [(1, 2)], [(0, 0), (-4, 0)], [(0, 0), (30, 30), (31, 30)]])
def test_any_walk_can_be_drawn(snake: Maze, walk: list[tuple[int, int]]) -> None:
    axes = Figure().subplots()
    plot_maze(axes, snake, walk=walk)
    for line in axes.lines:
        x, y = np.asarray(line.get_xydata()).T
        assert x.min() >= -1 and x.max() <= 3 and y.min() >= -1 and y.max() <= 2


def test_a_gallery_has_one_panel_per_maze() -> None:
    mazes = generate(sizes=[4, 6], num=5, seed=1)
    items = []
    for maze in mazes:
        solution = solve(maze)
        assert isinstance(solution, Solution)
        items.append(GalleryItem(maze=maze, title=str(maze.shape), solution=solution.path))
    figure = plot_gallery(items, columns=3)
    assert len(figure.axes) == 6
    assert [axes.get_title() for axes in figure.axes][:5] == [str(maze.shape) for maze in mazes]
