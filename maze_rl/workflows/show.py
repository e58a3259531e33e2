"""`maze-rl show`: the first mazes of a seed, or mazes of one's own, solved, measured and drawn."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.configs.marks import parse_marks
from maze_rl.configs.mazes import MazeSpec
from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.interchange.whole_files import written_whole
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.measures import measure
from maze_rl.mazes.pictures.marked_drawing import draw_marked, legend, side_by_side
from maze_rl.mazes.pictures.marks import marks_of
from maze_rl.mazes.pictures.plotting import GalleryItem, plot_gallery
from maze_rl.mazes.solve import Solution, solve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 200
_ONE, _SEVERAL = 4.8, 2.8
"""Inches of the only maze of a picture, and of one of several."""
_IN_ONE_ROW = 4
_CELL = 0.12
"""Inches of a cell at least; large mazes make large pictures."""


@dataclass(frozen=True, eq=False)
class ShownMaze(Shown):
    """A maze with its solution and what one line says about it."""

    maze: Maze
    solution: Solution
    forks: int
    """Cells with three or four open steps."""
    dead_ends: int
    """Cells with one open step."""

    @property
    def captions(self) -> tuple[str, str]:
        """What is said about the paths, and about the cells."""
        steps, paths = _counted(self.solution.distance, "step"), _counted(self.solution.path_count, "shortest path")
        return f"{steps}, {paths}", f"{_counted(self.forks, 'fork')}, {_counted(self.dead_ends, 'dead end')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shown_mazes(mazes: Iterable[Maze]) -> list[ShownMaze]:
    """Solve mazes and count what is said about them."""
    shown = []
    for maze in mazes:
        measures = measure(maze.as_batch())
        shown.append(ShownMaze(maze, solve(maze), int(measures.forks[0]), int(measures.dead_ends[0])))
    return shown


def show_mazes(spec: MazeSpec, num: int = 1, seed: int = 0) -> list[ShownMaze]:
    """Return the first `num` mazes of (`spec`, `seed`).

    Raises:
        ConfigurationError: No maze can meet the specification.
    """
    return shown_mazes(generate_mazes(spec, np.arange(num), seed))


def draw_text(shown: Sequence[ShownMaze], marks: str | Sequence[str], width: int, colour: bool = False) -> str:
    """Draw mazes as text, as many side by side as fit into `width` characters, each with its line of figures.

    Args:
        shown: What to draw; at least one.
        marks: Names from `maze_rl.configs.marks.MARKS`.
        width: Characters of a line.
        colour: Whether the reader shows ANSI colours.
    """
    names = parse_marks(marks)
    marked = [marks_of(each.solution, names) for each in shown]
    blocks = []
    for each, own in zip(shown, marked, strict=True):
        drawing = draw_marked(each.maze, own, colour)
        line = ", ".join(each.captions)
        caption = [line] if len(line) <= 4 * each.maze.shape[1] + 1 else each.captions
        blocks.append("\n".join([drawing, *caption]))
    drawn = side_by_side(blocks, width)
    return drawn if names in ((), ("solution",)) else f"{drawn}\n\n{legend(marked[0])}"


def draw_picture(shown: Sequence[ShownMaze], marks: str | Sequence[str], out: str | PathLike[str]) -> None:
    """Draw mazes to the .png or .svg file `out`, each with its figures above, the marks explained below."""
    between = ", " if len(shown) == 1 else "\n"
    items = [
        GalleryItem(maze=each.maze, title=between.join(each.captions), marks=marks_of(each.solution, marks))
        for each in shown
    ]
    side = max(_ONE if len(shown) == 1 else _SEVERAL, *(_CELL * max(each.maze.shape) for each in shown))
    columns = len(shown) if len(shown) <= _IN_ONE_ROW else math.ceil(math.sqrt(len(shown)))
    figure = plot_gallery(items, columns=columns, side=side, legend=True)
    save_picture(figure, out)


def save_picture(figure: "Figure", out: str | PathLike[str]) -> None:
    """Write a picture of mazes on white, with nothing in the file that depends on the time."""
    out = Path(out)
    kind = out.suffix[1:].lower()
    metadata = {"Software": None} if kind == "png" else {"Date": None}
    with written_whole(out) as file:
        figure.savefig(
            file,
            format=kind,
            dpi=PNG_DPI,
            bbox_inches="tight",
            pad_inches=0.12,
            facecolor="white",
            metadata=metadata,
        )
