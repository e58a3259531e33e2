"""Whatever is written comes back: every text that holds mazes, over random mazes of all kinds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_rl.errors import MazeRLError
from maze_rl.mazes.interchange.ascii import draw_ascii, from_ascii, path_of_ascii
from maze_rl.mazes.interchange.cell_grids import draw_cell_grid, from_cell_grid
from maze_rl.mazes.interchange.drawings import looks_walled, read_drawings
from maze_rl.mazes.interchange.drawn_text import MEANING, drawn_lines, walled_blocks
from maze_rl.mazes.interchange.maze_hard import from_maze_hard, to_maze_hard
from maze_rl.mazes.interchange.pixels import from_pixels, path_of_pixels, to_pixels
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.drawing import draw_boxes
from maze_rl.mazes.pictures.marked_drawing import draw_marked
from maze_rl.mazes.pictures.marks import marks_of
from maze_rl.mazes.solve import solve

many = settings(max_examples=40, derandomize=True, deadline=None, database=None)


Recipe = tuple[int, int, float, int]
"""Rows, columns, how much is open, and a seed: mazes are built in the tests, as type checks draw random numbers."""
recipes = st.tuples(st.integers(1, 6), st.integers(2, 7), st.sampled_from([0.3, 0.6, 0.8, 1.0]), st.integers(0, 2**32))


def maze_of(recipe: Recipe) -> Maze:
    """Build any maze whose origin is not its target: trees, cycles, isolated cells, rectangles."""
    rows, cols, openness, seed = recipe
    random = np.random.default_rng(seed)
    connections = random.random((2, rows, cols)) < openness
    connections[0, -1] = connections[1, :, -1] = False
    connections[1, 0, 0] = True
    return with_ends(connections, random)


def room_of(recipe: Recipe, square: bool = False) -> Maze:
    """Build any maze of free and blocked cells."""
    rows, cols, openness, seed = recipe
    random = np.random.default_rng(seed)
    free = random.random((cols if square else rows, cols)) < openness
    free[0, :2] = True
    connections = np.zeros((2, *free.shape), np.bool_)
    connections[0, :-1], connections[1, :, :-1] = free[:-1] & free[1:], free[:, :-1] & free[:, 1:]
    return with_ends(connections, random)


def with_ends(connections: np.ndarray, random: np.random.Generator) -> Maze:
    linked = np.argwhere(solve(Maze(connections, (0, 0), (0, 0))).distances >= 0)
    origin, target = random.permutation(linked)[:2]
    return Maze(connections, origin.tolist(), target.tolist())


@many
@given(recipes)
def test_drawings_with_walls(recipe: Recipe) -> None:
    maze = maze_of(recipe)
    path = solve(maze).path
    text = draw_ascii(maze, path)
    assert (from_ascii(text), path_of_ascii(text)) == (maze, path)
    assert draw_ascii(from_ascii(text), path_of_ascii(text)) == text
    assert read_drawings(text) == read_drawings(text, "walls") == [maze]
    picture = to_pixels(maze, path)
    assert (from_pixels(picture), path_of_pixels(picture)) == (maze, path)


@many
@given(recipes, st.lists(st.sampled_from(["solution", "distances", "all_paths", "forks", "dead_ends"]), unique=True))
def test_box_drawings(recipe: Recipe, marks: list[str]) -> None:
    maze = maze_of(recipe)
    solution = solve(maze)
    assert read_drawings(draw_boxes(maze, solution.path)) == [maze]
    for colour in (False, True):
        assert read_drawings(draw_marked(maze, marks_of(solution, marks), colour)) == [maze]


@many
@given(st.lists(recipes, min_size=1, max_size=3))
def test_grids_of_free_cells(chosen: list[Recipe]) -> None:
    many_rooms = [room_of(recipe) for recipe in chosen]
    texts = [draw_cell_grid(maze, solve(maze).path) for maze in many_rooms]
    assert [from_cell_grid(text) for text in texts] == many_rooms
    assert read_drawings("\n\n".join(texts), "cells") == many_rooms


@many
@given(recipes)
def test_a_grid_is_read_as_it_was_meant_or_refused(recipe: Recipe) -> None:
    """Untold, it is no other maze, unless it is a drawing of walls to the letter."""
    maze = room_of(recipe)
    text = draw_cell_grid(maze)
    (block, *others) = walled_blocks(drawn_lines(text))
    try:
        read = read_drawings(text)
    except MazeRLError:
        assert others or looks_walled(block)
        return
    assert read == [maze] or (looks_walled(block) and read == [from_ascii(text)])


@many
@given(st.lists(recipes, min_size=1, max_size=3))
def test_flat_grids(chosen: list[Recipe]) -> None:
    many_rooms = [room_of(recipe, square=True) for recipe in chosen]
    assert from_maze_hard(to_maze_hard(many_rooms)) == many_rooms
    lines = [draw_cell_grid(maze).replace("\n", "") for maze in many_rooms]
    assert read_drawings("\n".join(lines), "flat") == many_rooms
    if all(maze.shape[0] >= 5 for maze in many_rooms):
        assert read_drawings("\n\n".join(lines)) == many_rooms


@many
@given(
    st.text("".join(MEANING) + "\n\t┌─┐│└┘+-|?", max_size=60),
    st.sampled_from([None, "walls", "cells", "flat"]),
)
def test_any_text_is_refused_in_one_line_or_holds_mazes(text: str, reading: str | None) -> None:
    try:
        read = read_drawings(text, reading)
    except MazeRLError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert all(isinstance(maze, Maze) for maze in read)
