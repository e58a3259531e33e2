"""Token text back to a maze, given the grid's size (the text does not say it)."""

import re
from itertools import pairwise

import numpy as np

from maze_rl.errors import InvalidMazeError, MazeRLError
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.tokenization.corner_first import edge_cells
from maze_rl.tokenization.layouts import PADDING, SPECIAL_WORDS, Layout

_GRAMMAR = re.compile(
    r"<ADJLIST_START>(?P<edges>.*?) <ADJLIST_END> <ORIGIN_START> (?P<origin>\S+) <ORIGIN_END> "
    r"<TARGET_START> (?P<target>\S+) <TARGET_END>(?: <PATH_START>(?P<path>.*?)(?: <PATH_END>)?)?"
)


def parse_maze(text: str, layout: Layout, grid: tuple[int, int], offset: tuple[int, int]) -> Maze:
    """Read one maze; a path in the text must be a walk from origin to target, else it is refused.

    Raises:
        MazeRLError: The text breaks the grammar, names an unknown word, an impossible edge or a cell outside `grid`.
    """
    match = _GRAMMAR.fullmatch(" ".join(_known_words(text, layout)))
    if match is None:
        raise MazeRLError(
            "token text: expected <ADJLIST_START> ... <ADJLIST_END> <ORIGIN_START> cell <ORIGIN_END> "
            "<TARGET_START> cell <TARGET_END>."
        )
    cells = layout.words_from_cells()
    connections = np.zeros((2, *grid), np.bool_)
    for first, second in _edge_list(match["edges"].split(), layout, cells):
        (row, col), (next_row, next_col) = sorted((_shift(first, grid, offset), _shift(second, grid, offset)))
        if (next_row - row, next_col - col) not in ((1, 0), (0, 1)):
            raise MazeRLError(f"token text: {first} and {second} are no neighbours, so no edge joins them.")
        connections[0 if next_row > row else 1, row, col] = True
    origin, target = (_shift(_cell(match[name], cells), grid, offset) for name in ("origin", "target"))
    maze = Maze(connections, origin, target)
    if match["path"]:
        _check_path(maze, [_shift(_cell(word, cells), grid, offset) for word in match["path"].split()])
    return maze


def _known_words(text: str, layout: Layout) -> list[str]:
    """Return the words of `text` without the padding behind it, every one of the vocabulary."""
    words = text.split()
    while words and words[-1] == SPECIAL_WORDS[PADDING]:
        words.pop()
    vocabulary = set(layout.words)
    for word in words:
        if word not in vocabulary:
            raise MazeRLError(
                f"token text: {word!r} is not in the vocabulary of the {layout.canvas} x {layout.canvas} canvas."
            )
    return words


def _edge_list(words: list[str], layout: Layout, cells: dict[str, Cell]) -> list[tuple[Cell, Cell]]:
    if layout.edge_ids is not None:
        known = layout.words_from_edges()
        for word in words:
            if word not in known:
                raise MazeRLError(f"token text: expected an edge such as (0,0)-(0,1) in the list, got {word!r}.")
        return [edge_cells(known[word]) for word in words]
    groups = [words[start : start + 4] for start in range(0, len(words), 4)]
    for group in groups:
        if len(group) != 4 or group[1] != "<-->" or group[3] != ";":
            raise MazeRLError(f"token text: expected 'cell <--> cell ;' in the list, got {' '.join(group)!r}.")
    return [(_cell(group[0], cells), _cell(group[2], cells)) for group in groups]


def _cell(word: str, cells: dict[str, Cell]) -> Cell:
    if word not in cells:
        raise MazeRLError(f"token text: expected a cell such as (0,1), got {word!r}.")
    return cells[word]


def _shift(cell: Cell, grid: tuple[int, int], offset: tuple[int, int]) -> Cell:
    row, col = cell[0] - offset[0], cell[1] - offset[1]
    if not (0 <= row < grid[0] and 0 <= col < grid[1]):
        raise MazeRLError(f"token text: cell {cell} lies outside the {grid[0]} x {grid[1]} grid at offset {offset}.")
    return row, col


def _check_path(maze: Maze, path: list[Cell]) -> None:
    if path[0] != maze.origin or path[-1] != maze.target:
        raise InvalidMazeError(
            f"token text: the path runs {path[0]} to {path[-1]}, not {maze.origin} to {maze.target}."
        )
    for cell, following in pairwise(path):
        if following not in maze.neighbours(cell):
            raise InvalidMazeError(f"token text: the path steps from {cell} to {following} through a wall.")
