"""One picture that compares generators: a maze of each, side by side, from corner to corner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.marks import marks_of
from maze_rl.mazes.pictures.plotting import GalleryItem, plot_gallery
from maze_rl.mazes.solve import solve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_algorithms(
    algorithms: Sequence[str],
    size: int = 20,
    seed: int = 0,
    *,
    marks: str | Sequence[str] = ("solution", "distances"),
    columns: int = 5,
    side: float = 2.4,
) -> Figure:
    """Draw one maze of every algorithm, titled with its name and the steps of its path.

    Distance fields share one scale.

    Args:
        algorithms: Names of generators.
        size: Cells per side.
        seed: Seed of the mazes, of which the first is drawn.
        marks: Names from `maze_rl.configs.marks.MARKS`.
        columns: Panels per row.
        side: Width of a panel in inches.

    Raises:
        MazeRLError: An algorithm is unknown or the size out of bounds.
    """
    items = []
    for algorithm in algorithms:
        maze = from_corner_to_corner(generate(size, algorithm, num=1, seed=seed)[0])
        solution = solve(maze)
        title = f"{algorithm.replace('_', ' ')}: {solution.distance} steps"
        items.append(GalleryItem(maze=maze, title=title, marks=marks_of(solution, marks)))
    return plot_gallery(items, columns=min(columns, max(1, len(items))), side=side, legend=True)


def from_corner_to_corner(maze: Maze) -> Maze:
    """Return the walls of `maze` with a way from the top left to the bottom right cell; as it is if there is none."""
    rows, cols = maze.shape
    top_left, bottom_right = (0, 0), (rows - 1, cols - 1)
    distances = solve(maze).distances
    if distances[top_left] < 0 or distances[bottom_right] < 0:
        return maze
    return Maze(maze.connections, top_left, bottom_right)
