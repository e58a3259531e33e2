from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_rgba

from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.drawn_values import draw_values, edge_array

pytestmark = pytest.mark.usefixtures("closed_figures")


@pytest.fixture
def maze() -> Maze:
    return generate(((3, 4),), num=1)[0]


def mesh(axes: Any) -> QuadMesh:
    (found,) = [each for each in axes.collections if isinstance(each, QuadMesh)]
    return found


def lines(axes: Any) -> LineCollection:
    return [each for each in axes.collections if isinstance(each, LineCollection)][-1]


def test_every_cell_has_the_colour_of_its_number(maze: Maze) -> None:
    values = np.arange(12.0).reshape(3, 4)
    axes = maze.plot(cells=values, label="attention")
    drawn = mesh(axes)
    assert np.asarray(drawn.get_array()).tolist() == values.tolist()
    assert drawn.get_clim() == (0, 11)
    # the mesh spans the cells, whose centres lie at whole numbers
    assert drawn.get_coordinates()[0, 0].tolist() == [-0.5, -0.5]
    assert drawn.get_coordinates()[-1, -1].tolist() == [3.5, 2.5]
    assert axes.figure.axes[-1].get_ylabel() == "attention"


def test_every_edge_joins_its_two_cells(maze: Maze) -> None:
    values = np.full((2, 3, 4), np.nan)
    values[0, 1, 2], values[1, 0, 0] = -1.0, 3.0
    drawn = lines(maze.plot(edges=values))
    # the largest on top
    assert [segment.tolist() for segment in drawn.get_segments()] == [[[2, 1.2], [2, 1.8]], [[0.2, 0], [0.8, 0]]]


def test_numbers_of_both_signs_are_around_zero(maze: Maze) -> None:
    values = np.zeros((3, 4))
    values[0, 0], values[0, 1] = -1.0, 4.0
    low, high = mesh(maze.plot(cells=values)).get_clim()
    assert (low, high) == (-4, 4)
    assert mesh(maze.plot(cells=values, limits=(-1, 1))).get_clim() == (-1, 1)


def test_what_is_no_number_is_left_out(maze: Maze) -> None:
    values = np.full((3, 4), np.nan)
    values[1, 1] = 2.0
    drawn = mesh(maze.plot(cells=values))
    assert np.ma.getmaskarray(drawn.get_array()).sum() == 11
    maze.plot(cells=np.full((3, 4), np.nan), edges=np.full((2, 3, 4), np.nan))


def test_colours_follow_a_dark_ground(maze: Maze) -> None:
    from matplotlib import pyplot

    values = np.arange(12.0).reshape(3, 4)
    light = mesh(maze.plot(cells=values)).get_cmap()(0.0)
    with pyplot.style.context("dark_background"):
        axes = maze.plot(cells=values)
        dark = mesh(axes).get_cmap()(0.0)
        (walls,) = axes.patches
    assert sum(light[:3]) > 2.5 > 1.0 > sum(dark[:3])
    assert sum(walls.get_edgecolor()[:3]) > 2
    (walls,) = maze.plot().patches
    assert walls.get_edgecolor() == to_rgba("#1c2430")


def test_torch_numbers_are_drawn_too(maze: Maze) -> None:
    import torch

    assert mesh(maze.plot(cells=torch.ones(3, 4))).get_clim() == (1, 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cells": np.zeros((4, 3))}, r"cells: expected an array of shape \(3, 4\).*got \(4, 3\)"),
        ({"edges": np.zeros((3, 4))}, r"edges: expected an array of shape \(2, 3, 4\).*got \(3, 4\)"),
        ({}, "give cells, edges or both"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(maze: Maze, given: dict[str, Any], said: str) -> None:
    with pytest.raises(MazeRLError, match=said):
        draw_values(maze.plot(), maze, **given)


def test_a_list_of_edges_is_laid_out_like_connections() -> None:
    laid = edge_array((3, 4), [(0, 1, 2), (1, 0, 0), (0, 1, 2)], [1.0, 5.0, 2.0])
    assert laid.shape == (2, 3, 4)
    assert (laid[0, 1, 2], laid[1, 0, 0]) == (3.0, 5.0)
    assert np.isnan(laid).sum() == 22


def test_a_wrong_list_of_edges_is_refused() -> None:
    with pytest.raises(MazeRLError, match="a number for each of 1 edges, got 2"):
        edge_array((3, 4), [(0, 1, 2)], [1.0, 2.0])
    with pytest.raises(MazeRLError, match=r"\(0, 3, 0\) lies outside the 3 x 4 grid"):
        edge_array((3, 4), [(0, 0, 0), (0, 3, 0)], [1.0, 2.0])
