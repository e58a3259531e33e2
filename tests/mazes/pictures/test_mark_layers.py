"""Marks in pictures: what is drawn where, panels of any shape, the legend, and the picture of algorithms."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from maze_rl.configs.marks import MARKS
from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.algorithm_gallery import from_corner_to_corner, plot_algorithms
from maze_rl.mazes.pictures.mark_layers import MarkColours
from maze_rl.mazes.pictures.marks import marks_of
from maze_rl.mazes.pictures.plotting import GalleryItem, plot_gallery
from maze_rl.mazes.solve import Solution, solve

COLOURS = MarkColours()


def picture(maze: Maze, *names: str) -> tuple[Figure, Solution]:
    solution = solve(maze)
    assert isinstance(solution, Solution)
    item = GalleryItem(maze=maze, title="one", marks=marks_of(solution, names))
    return plot_gallery([item], columns=1, legend=True), solution


def cells(figure: Figure, colour: str, marker: str) -> set[tuple[int, int]]:
    """Return the cells with a sign of that colour."""
    lines = [line for line in figure.axes[0].lines if (line.get_color(), line.get_marker()) == (colour, marker)]
    return {(int(row), int(col)) for line in lines for col, row in np.asarray(line.get_xydata())}


def test_signs_stand_on_their_cells() -> None:
    maze = generate(8, "dfs_percolation", num=1, seed=3)[0]
    figure, solution = picture(maze, "forks", "dead_ends", "solution")
    marks = marks_of(solution, ("forks", "dead_ends"))
    assert marks.forks is not None and marks.dead_ends is not None
    assert cells(figure, COLOURS.fork, "D") == {tuple(cell) for cell in np.argwhere(marks.forks).tolist()}
    assert cells(figure, COLOURS.dead_end, "x") == {tuple(cell) for cell in np.argwhere(marks.dead_ends).tolist()}
    assert cells(figure, COLOURS.path, "None") == set(solution.path)


def test_the_field_holds_the_distances_and_cells_without_a_way_are_left_out() -> None:
    connections = np.zeros((2, 2, 3), np.bool_)
    connections[1, 0, :2] = True
    figure, solution = picture(Maze(connections, (0, 0), (0, 2)), "distances")
    (mesh,) = figure.axes[0].collections
    field = np.ma.asarray(mesh.get_array()).reshape(2, 3)
    assert field[0].tolist() == [2, 1, 0]
    assert np.ma.getmaskarray(field).tolist() == [[False] * 3, [True] * 3]
    assert mesh.get_clim() == (0, solution.distances.max())


def test_the_legend_names_what_is_marked() -> None:
    maze = generate(6, num=1)[0]
    for names, expected in (
        ((), ["origin", "target"]),
        (tuple(MARKS), ["origin", "target", "a shortest path", "all shortest paths", "fork", "dead end"]),
    ):
        figure, _ = picture(maze, *names)
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == expected
        assert any("steps to the target" in text.get_text() for axes in figure.axes for text in axes.texts) == bool(
            names
        )


def test_the_legend_names_cells_without_a_way_if_any_maze_has_them() -> None:
    connections = np.zeros((2, 2, 3), np.bool_)
    connections[1, 0, :2] = True
    cut, whole = Maze(connections, (0, 0), (0, 2)), generate(4, num=1)[0]
    items = [GalleryItem(maze=maze, marks=marks_of(solve(maze), ("distances",))) for maze in (whole, cut)]
    (legend,) = plot_gallery(items, legend=True).legends
    assert [text.get_text() for text in legend.get_texts()] == ["origin", "target", "no way to the target"]
    (legend,) = plot_gallery(items[:1], legend=True).legends
    assert [text.get_text() for text in legend.get_texts()] == ["origin", "target"]


@pytest.mark.parametrize(("rows", "cols"), [(3, 12), (12, 3), (7, 7)])
def test_panels_have_the_shape_of_their_mazes(rows: int, cols: int) -> None:
    connections = np.zeros((2, rows, cols), np.bool_)
    connections[0, :-1] = True
    connections[1, 0, :-1] = True
    figure, _ = picture(Maze(connections, (0, 0), (rows - 1, cols - 1)), "solution")
    figure.draw_without_rendering()
    box = figure.axes[0].get_window_extent()
    assert box.width / box.height == pytest.approx((cols + 0.9) / (rows + 0.9), rel=0.01)
    panel = figure.axes[0].get_position(original=True)
    width, height = figure.get_size_inches()
    assert max(panel.width * width, panel.height * height) == pytest.approx(2.4, rel=0.1)


def test_lines_are_thin_in_small_cells_and_never_fat() -> None:
    for size, most in ((5, 4.5), (60, 1.2)):
        figure, _ = picture(generate(size, num=1)[0], "solution")
        assert max(line.get_linewidth() for line in figure.axes[0].lines if line.get_color() == COLOURS.path) <= most


def test_algorithms_side_by_side() -> None:
    figure = plot_algorithms(["dfs", "wilson", "dfs_percolation"], size=6, seed=2, columns=2)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert [title.split(":")[0] for title in titles] == ["dfs", "wilson", "dfs percolation"]
    fields = [mesh for axes in figure.axes for mesh in axes.collections]
    assert len({mesh.get_clim() for mesh in fields}) == 1 < len(fields), "one scale for all"
    with pytest.raises(MazeRLError, match="Did you mean 'wilson'"):
        plot_algorithms(["wilsen"], size=5)


def test_corners_are_taken_only_where_a_way_joins_them() -> None:
    maze = generate(5, num=1)[0]
    moved = from_corner_to_corner(maze)
    assert (moved.origin, moved.target) == ((0, 0), (4, 4))
    connections = np.zeros((2, 2, 2), np.bool_)
    connections[1, 0, 0] = True
    split = Maze(connections, (0, 0), (0, 1))
    assert from_corner_to_corner(split) == split
