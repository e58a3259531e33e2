"""The gallery of example mazes with the model's path over them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.evaluation.results import Example
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.plotting import GalleryItem, MazeColours, first_wrong_step, plot_gallery
from maze_rl.reports.names import error_name
from maze_rl.reports.palette import light
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 4
PER_KIND = 8
RIGHT = "shortest"


def maze_of(example: Example) -> Maze:
    """Return the maze of an example."""
    return Maze(np.array(example.connections, np.bool_), example.origin, example.target)


def choose_examples(examples: Sequence[Example], most: int = PER_KIND) -> list[Example]:
    """Choose up to `most` right and `most` wrong examples, spread evenly over the sizes; right ones first."""
    right = [example for example in examples if example.outcome == RIGHT]
    wrong = [example for example in examples if example.outcome != RIGHT]
    return _spread(right, most) + _spread(wrong, most)


def _spread(examples: Sequence[Example], most: int) -> list[Example]:
    ordered = sorted(examples, key=lambda example: example.size)
    if len(ordered) <= most:
        return ordered
    return [ordered[round(place * (len(ordered) - 1) / (most - 1))] for place in range(most)]


def example_title(example: Example) -> str:
    """Return what stands above an example: its size, length and outcome."""
    steps = len(example.shortest_path) - 1
    start = f"{example.size}×{example.size}, {steps} step{'s' if steps != 1 else ''}: "
    if example.outcome == RIGHT:
        return start + "right"
    wrong = first_wrong_step(maze_of(example), example.model_path)
    place = max(len(example.model_path) - 1, 0) if wrong is None else wrong
    return f"{start}wrong at {place}"


def example_gallery(examples: Sequence[Example]) -> "Figure":
    """Draw examples in rows of four, the right ones in rows of their own."""
    colours = MazeColours(
        wall=light("ink"),
        solution=light("reference-light"),
        walk=light("blue"),
        wrong=light("vermillion"),
        text=light("muted"),
    )
    items = [
        GalleryItem(maze=maze_of(each), title=example_title(each), solution=each.shortest_path, walk=each.model_path)
        for each in examples
    ]
    return plot_gallery(items, columns=COLUMNS, side=WIDTH / COLUMNS, colours=colours)


def outcome_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Return how many examples ended how, under the names readers see."""
    counts: dict[str, int] = {}
    for example in examples:
        name = "right" if example.outcome == RIGHT else error_name(example.outcome)
        counts[name] = counts.get(name, 0) + 1
    return counts
