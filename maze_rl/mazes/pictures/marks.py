"""What is marked in a drawing of a maze: arrays of cells, the same for text and for pictures.

A *fork* has three or four open steps, a *dead end* one; origin and target keep their own marks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int8, Int32
from numpy import ndarray

from maze_rl.configs.marks import parse_marks
from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.solve import Solution, solve


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks(Shown):
    """The marks of one maze; None or empty where a mark is not asked for."""

    solution: Sequence[Cell] = ()
    """A shortest path from origin to target."""
    distances: Int32[ndarray, "rows cols"] | None = None
    """Steps to the target; -1 where there is no way."""
    optimal: Bool[ndarray, "rows cols"] | None = None
    """Cells on some shortest path."""
    forks: Bool[ndarray, "rows cols"] | None = None
    dead_ends: Bool[ndarray, "rows cols"] | None = None


def marks_of(solution: Solution, names: str | Iterable[str]) -> Marks:
    """Return the marks called `names` (see `maze_rl.configs.marks`) of a solved maze."""
    names = parse_marks(names)
    maze = solution.maze
    degrees = cell_degrees(maze)
    inner = np.ones(maze.shape, np.bool_)
    inner[maze.origin] = inner[maze.target] = False
    return Marks(
        solution=solution.path if "solution" in names else (),
        distances=solution.distances if "distances" in names else None,
        optimal=optimal_cells(solution) if "all_paths" in names else None,
        forks=(degrees >= 3) & inner if "forks" in names else None,
        dead_ends=(degrees == 1) & inner if "dead_ends" in names else None,
    )


def cell_degrees(maze: Maze) -> Int8[ndarray, "rows cols"]:
    """Return how many open steps lead out of each cell."""
    down, right = maze.connections
    degrees = down.astype(np.int8) + right
    degrees[1:] += down[:-1]
    degrees[:, 1:] += right[:, :-1]
    return degrees


def optimal_cells(solution: Solution) -> Bool[ndarray, "rows cols"]:
    """Tell for each cell whether some shortest path from origin to target passes it."""
    maze = solution.maze
    backward = solve(Maze(maze.connections, maze.target, maze.origin))
    return (solution.distances >= 0) & (solution.distances + backward.distances == solution.distance)


def optimal_steps(
    maze: Maze, optimal: Bool[ndarray, "rows cols"]
) -> tuple[Bool[ndarray, "rows cols"], Bool[ndarray, "rows cols"]]:
    """Return the open steps down and to the right that lie on some shortest path.

    Neighbours that are both on a shortest path differ by one step in their distance, so the step between
    them is on one, too.
    """
    down, right = maze.connections.copy()
    down[:-1] &= optimal[:-1] & optimal[1:]
    right[:, :-1] &= optimal[:, :-1] & optimal[:, 1:]
    return down, right
