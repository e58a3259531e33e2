"""A search spreading over one maze: where every cell would go after some loops, beside the true distances."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import LoopAnswers
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.plotting import wall_segments
from maze_rl.reports.palette import light, ramp_level
from maze_rl.reports.vector_graphics import WIDTH, figure_style
from maze_rl.tokenization.layouts import STEPS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEAD = 0.3
"""Inches above a maze."""


def spreading_figure(answers: LoopAnswers, row: int, loops: Sequence[int], *, across: int = 3) -> "Figure":
    """Draw one maze after each of `loops`, and first its distances to the target.

    A cell is blue where its move is a shortest one and orange where it is not, the paler the less sure the model is of
    the shortest moves (blue) or against them (orange); the arrow is its move, a dot one that is no neighbour.

    Args:
        answers: What every cell answers.
        row: The maze.
        loops: Numbers of loops, counted from 1.
        across: Pictures side by side.

    Raises:
        ConfigurationError: There is no such loop.
    """
    if outside := [loop for loop in loops if not 1 <= loop <= answers.moves.shape[1]]:
        raise ConfigurationError(f"loop is {outside[0]}: these answers have loops 1 to {answers.moves.shape[1]}.")
    from matplotlib.figure import Figure

    maze, (rows, cols) = answers.mazes[row], answers.mazes.shape
    titles = ["steps to the target", *(f"after {loop} loop{'s' * (loop != 1)}" for loop in loops)]
    down = -(-len(titles) // across)
    width = WIDTH / across
    height = (width - 0.12) * rows / cols + _HEAD
    with figure_style():
        figure = Figure(figsize=(WIDTH, down * height))
        for number, title in enumerate(titles):
            at, column = divmod(number, across)
            low, tall = 1 - (at + 1) / down, (height - _HEAD) / (down * height)
            axes = figure.add_axes((column / across + 0.01, low, (1 - 0.12 / width) / across, tall))
            axes.set_title(title, fontsize=8.5, color=light("ink"), pad=3, loc="left", x=0.03)
            if number == 0:
                _draw_distances(axes, answers.distances[row].reshape(rows, cols))
            else:
                _draw_answers(axes, answers, row, loops[number - 1] - 1)
            _draw_walls(axes, maze)
    return figure


def _draw_distances(axes: "Axes", distances: np.ndarray) -> None:
    most = max(1, int(distances.max()))
    for (row, col), steps in np.ndenumerate(distances):
        level = ramp_level(1 - steps / most) if steps >= 0 else None
        _fill(axes, row, col, "void" if level is None else f"ramp-{level}")


def _draw_answers(axes: "Axes", answers: LoopAnswers, row: int, loop: int) -> None:
    cols = answers.mazes.shape[1]
    right, sure, moves = answers.right[row, loop], answers.confidence[row, loop], answers.moves[row, loop]
    for cell in np.flatnonzero(answers.asked[row]):
        y, x = divmod(int(cell), cols)
        share = sure[cell] if right[cell] else sure[cell] - 1
        level = ramp_level((float(share) + 1) / 2)
        _fill(axes, y, x, f"diverging-{level}")
        ink = light(f"on-diverging-{level}")
        if moves[cell] < 0:
            axes.plot([x], [y], marker=".", markersize=2.5, color=ink, zorder=3)
            continue
        rows_down, cols_right = STEPS[moves[cell]].tolist()
        arrow = {"arrowstyle": "-|>,head_width=0.12,head_length=0.2", "color": ink, "linewidth": 0.7}
        tip, tail = ((x + part * cols_right, y + part * rows_down) for part in (0.36, -0.32))
        axes.annotate("", tip, tail, arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0}, zorder=3)


def _fill(axes: "Axes", row: int, col: int, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((col - 0.5, row - 0.5), 1, 1, facecolor=light(colour), edgecolor="none", zorder=0))


def _draw_walls(axes: "Axes", maze: Maze) -> None:
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(wall_segments(maze), colors=light("ink"), linewidths=0.9, zorder=2))
    row, col = maze.target
    axes.plot([col], [row], marker="s", markersize=6, color=light("ink"), zorder=4)
    rows, cols = maze.shape
    axes.set(xlim=(-0.55, cols - 0.45), ylim=(rows - 0.45, -0.55), aspect="equal")
    axes.set_axis_off()
