"""Token text back to a maze, given the grid's size (the text does not say it).

The text is cut at its marks; every part is then read on its own: a list of edges or cells, two cells, a path. Words
name cells of the canvas; the cells that errors name are the maze's own.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from maze_rl.errors import InvalidMazeError, MazeRLError
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.tokenization.corner_first import Edge, edge_cells
from maze_rl.tokenization.layouts import NORTH, PADDING, SPECIAL_WORDS, STEPS, WALL_WORD, Layout

_LIST = ("<ADJLIST_START>", "<ADJLIST_END>")
_ORIGIN = ("<ORIGIN_START>", "<ORIGIN_END>")
_TARGET = ("<TARGET_START>", "<TARGET_END>")
_PATH = ("<PATH_START>", "<PATH_END>")


def parse_maze(text: str, layout: Layout, grid: tuple[int, int], offset: tuple[int, int]) -> Maze:
    """Read one maze; a path in the text must be a walk from origin to target, else it is refused, an ended one too.

    Edges that are not listed are closed, with walls in the list too. A list of cells tells of every cell.

    Raises:
        MazeRLError: The text breaks the grammar, names an unknown word, an impossible edge or a cell outside `grid`,
            or lists an edge both as open and as a wall; a list of cells leaves one out, names one twice, or says of an
            edge that it is open on one side alone.
    """
    return _Reader(layout, grid, offset).read(text)


def find_offset(text: str, layout: Layout, grid: tuple[int, int]) -> Cell:
    """Return where a maze of `grid` lies on the canvas, told by the cells that its text names.

    Raises:
        MazeRLError: The cells named leave more than one place, as they do where those at the border have no open edge.
    """
    named = _named_cells(text.split(), layout)
    places = []
    for axis in (0, 1):
        low, high = min((cell[axis] for cell in named), default=0), max((cell[axis] for cell in named), default=0)
        first, last = max(0, high - grid[axis] + 1), min(low, layout.canvas - grid[axis])
        places.append((first, max(first, last)))
    if any(first != last for first, last in places):
        rows, cols = (f"{first} to {last}" for first, last in places)
        raise MazeRLError(
            f"token text: the cells named do not tell where the {grid[0]} x {grid[1]} maze lies: its first row may be "
            f"{rows} of the canvas, its first column {cols}; give its offset."
        )
    return places[0][0], places[1][0]


def _named_cells(words: list[str], layout: Layout) -> list[Cell]:
    """Return the cells of the canvas that a text names, alone, in a list of cells or as ends of an edge."""
    cells = {word: [cell] for word, cell in layout.words_from_cells.items()}
    cells |= {word: [(row, col)] for word, (row, col, _) in layout.words_from_open_cells.items()}
    for edges in (layout.words_from_edges, layout.words_from_walls):
        cells |= {word: list(edge_cells(edge)) for word, edge in edges.items()}
    found, at, size = [], 0, layout.tokens_per_cell
    while at < len(words):
        spelled = " ".join(words[at : at + size])
        found += cells.get(spelled, ())
        at += size if spelled in cells else 1
    return found


class _Reader:
    """Reads texts of one format with mazes of one shape at one place of the canvas."""

    def __init__(self, layout: Layout, grid: tuple[int, int], offset: tuple[int, int]) -> None:
        self.layout, self.grid, self.offset = layout, grid, offset
        self.cells, self.open_words = layout.words_from_cells, layout.words_from_edges
        self.wall_words = layout.words_from_walls if layout.walls else {}

    def read(self, text: str) -> Maze:
        words = _known_words(text, self.layout)
        parts = _cut(words, self.layout)
        connections, path = self.connections(parts["<ADJLIST_START>"]), parts.get("<PATH_START>", [])
        given = self.layout.given_tokens
        origin = self.cell(path[:given] if self.layout.origin_on_path else parts["<ORIGIN_START>"])
        maze = Maze(connections, origin, self.cell(parts["<TARGET_START>"]))
        # what is given alone is a prompt without its end; with it, a path that stays at the origin
        if len(path) > given or words[-1] == "<PATH_END>":
            _check_path(maze, self.path(path, origin) or [origin])
        return maze

    def connections(self, words: list[str]) -> Bool[ndarray, "2 rows cols"]:
        """Read the adjacency list."""
        if self.layout.lists_cells:
            return _connections_of_cells(self.listed_cells(words))
        listed: dict[Edge, bool] = {}
        for edge, is_open in self.listed_edges(words):
            if listed.setdefault(edge, is_open) != is_open:
                first, second = edge_cells(edge)
                raise MazeRLError(f"token text: the edge between {first} and {second} is listed both as open and wall.")
        connections = np.zeros((2, *self.grid), np.bool_)
        for edge, is_open in listed.items():
            connections[edge] = is_open
        return connections

    def listed_cells(self, words: list[str]) -> Int64[ndarray, "rows cols"]:
        """Read the open sides of every cell."""
        named, sides = self.layout.words_from_open_cells, np.full(self.grid, -1, np.int64)
        for word in words:
            if word not in named:
                raise MazeRLError(
                    f"token text: expected a cell with its open sides such as (0,0)[SE] in the list, got {word!r}."
                )
            row, col, found = named[word]
            cell = self.shift((row, col))
            if sides[cell] >= 0:
                raise MazeRLError(f"token text: the cell {cell} is listed twice.")
            sides[cell] = found
        if (sides < 0).any():
            missing = tuple(np.argwhere(sides < 0)[0].tolist())
            raise MazeRLError(f"token text: the cell {missing} is not listed: the list has every cell once.")
        return sides

    def listed_edges(self, words: list[str]) -> list[tuple[Edge, bool]]:
        """Return the edges of the adjacency list, and whether each is open."""
        if self.layout.edge_ids is not None:
            return [self.named_edge(word) for word in words]
        size = self.layout.tokens_per_edge
        return [self.spelled_edge(words[start : start + size]) for start in range(0, len(words), size)]

    def named_edge(self, word: str) -> tuple[Edge, bool]:
        """Read an edge that has a word of its own."""
        is_open = word in self.open_words
        if not is_open and word not in self.wall_words:
            either = " or a wall such as (0,0)|(0,1)" if self.wall_words else ""
            raise MazeRLError(f"token text: expected an edge such as (0,0)-(0,1){either} in the list, got {word!r}.")
        first, second = edge_cells((self.open_words if is_open else self.wall_words)[word])
        return self.edge(first, second), is_open

    def spelled_edge(self, words: list[str]) -> tuple[Edge, bool]:
        """Read an edge that is spelled by its cells."""
        layout, size = self.layout, self.layout.tokens_per_cell
        connector = words[size] if layout.connectors and len(words) > size else "<-->"
        known = ("<-->", WALL_WORD) if layout.walls else ("<-->",)
        if len(words) != layout.tokens_per_edge or connector not in known or (layout.connectors and words[-1] != ";"):
            expected = " or ".join(f"'cell {word} cell ;'" for word in known) if layout.connectors else "'cell cell'"
            raise MazeRLError(f"token text: expected {expected} in the list, got {' '.join(words)!r}.")
        second = size + layout.connectors
        cells = (self.canvas_cell(words[:size]), self.canvas_cell(words[second : second + size]))
        return self.edge(*cells), connector == "<-->"

    def edge(self, first: Cell, second: Cell) -> Edge:
        """Return the edge between two cells of the canvas, in the maze's coordinates."""
        first, second = self.shift(first), self.shift(second)
        (row, col), (next_row, next_col) = sorted((first, second))
        if (next_row - row, next_col - col) not in ((1, 0), (0, 1)):
            raise MazeRLError(f"token text: {first} and {second} are no neighbours, so no edge joins them.")
        return (0 if next_row > row else 1), row, col

    def path(self, words: list[str], origin: Cell) -> list[Cell]:
        """Read the cells of the path."""
        if self.layout.path_as_moves:
            return self.moved(words[self.layout.given_tokens :], origin)
        size = self.layout.tokens_per_cell
        return [self.cell(words[start : start + size]) for start in range(0, len(words), size)]

    def moved(self, words: list[str], origin: Cell) -> list[Cell]:
        """Read moves or turns: the cells they lead through from `origin`."""
        cells, heading = [origin], NORTH
        for word in words:
            directions = {self.layout.words[number]: way for way, number in enumerate(self.layout.step_ids(heading))}
            if word not in directions:
                kind = "turn" if self.layout.path_as_turns else "move"
                known = ", ".join(self.layout.words[number] for number in sorted(self.layout.path_move_ids))
                raise MazeRLError(f"token text: expected a {kind} ({known}) in the path, got {word!r}.")
            heading = directions[word]
            down, right = STEPS[heading].tolist()
            row, col = cells[-1][0] + down, cells[-1][1] + right
            if not (0 <= row < self.grid[0] and 0 <= col < self.grid[1]):
                raise InvalidMazeError(f"token text: the path leaves the grid: {word} from {cells[-1]}.")
            cells.append((row, col))
        return cells

    def cell(self, words: list[str]) -> Cell:
        """Read a cell, in the maze's coordinates."""
        return self.shift(self.canvas_cell(words))

    def canvas_cell(self, words: list[str]) -> Cell:
        """Read a cell, in the canvas's coordinates."""
        word = " ".join(words)
        if word not in self.cells:
            raise MazeRLError(f"token text: expected a cell such as {self.layout.words_of_cell(0, 1)}, got {word!r}.")
        return self.cells[word]

    def shift(self, cell: Cell) -> Cell:
        """Turn a cell of the canvas into one of the maze."""
        (rows, cols), offset = self.grid, self.offset
        row, col = cell[0] - offset[0], cell[1] - offset[1]
        if not (0 <= row < rows and 0 <= col < cols):
            written = f", written {self.layout.words_of_cell(*cell)}," if any(offset) else ""
            raise MazeRLError(
                f"token text: cell {(row, col)}{written} lies outside the {rows} x {cols} grid at offset {offset}."
            )
        return row, col


def _connections_of_cells(sides: Int64[ndarray, "rows cols"]) -> Bool[ndarray, "2 rows cols"]:
    """Return the edges that the open sides of all cells make, the sum of down 1, right 2, up 4, left 8 for each."""
    rows, cols = sides.shape
    for direction, (down, right) in enumerate(STEPS.tolist()):
        for row, col in np.argwhere(sides >> direction & 1).tolist():
            other = row + down, col + right
            if not (0 <= other[0] < rows and 0 <= other[1] < cols):
                raise InvalidMazeError(f"token text: the cell {(row, col)} is open at the border of the grid.")
            if not sides[other] >> (direction + 2) % 4 & 1:
                raise InvalidMazeError(
                    f"token text: the cell {(row, col)} is open to {other}, which is closed to it: "
                    "an edge is open on both of its sides."
                )
    return np.stack([sides & 1, sides >> 1 & 1]).astype(np.bool_)


def _known_words(text: str, layout: Layout) -> list[str]:
    """Return the words of `text` without the padding behind it, every one of the vocabulary."""
    words = text.split()
    while words and words[-1] == SPECIAL_WORDS[PADDING]:
        words.pop()
    for word in words:
        if word not in layout.known_words:
            raise MazeRLError(
                f"token text: {word!r} is not in the vocabulary of the {layout.canvas} x {layout.canvas} canvas."
            )
    return words


def _cut(words: list[str], layout: Layout) -> dict[str, list[str]]:
    """Return the words behind each opening mark, up to the mark that closes it; the end of the path may be missing.

    So may the path, unless it says where the origin is.
    """
    query = _TARGET if layout.origin_on_path else (*_ORIGIN, *_TARGET)
    prompt = (*query, *_LIST) if layout.query_first else (*_LIST, *query)
    expected = (*prompt, *_PATH)
    if layout.origin_on_path:
        prompt = (*prompt, _PATH[0])
    parts: dict[str, list[str]] = {}
    opened, seen = "", []
    for word in words:
        if word in expected:
            seen.append(word)
            opened = "" if word.endswith("_END>") else word
            if opened:
                parts[word] = []
        elif not opened:
            raise _grammar(layout, f"got {word!r} outside them")
        else:
            parts[opened].append(word)
    if len(seen) < len(prompt) or tuple(seen) != expected[: len(seen)]:
        missing = next((mark for mark in expected if mark not in seen), None)
        raise _grammar(layout, "got the marks in another order" if missing is None else f"{missing} is missing")
    return parts


def _grammar(layout: Layout, fault: str) -> MazeRLError:
    edges = "<ADJLIST_START> ... <ADJLIST_END>"
    query = "<TARGET_START> cell <TARGET_END>"
    if not layout.origin_on_path:
        query = f"<ORIGIN_START> cell <ORIGIN_END> {query}"
    first, second = (query, edges) if layout.query_first else (edges, query)
    path = "<PATH_START> cell, the origin, and perhaps a path" if layout.origin_on_path else "and perhaps a path"
    return MazeRLError(f"token text: expected {first} {second} {path}; {fault}.")


def _check_path(maze: Maze, path: list[Cell]) -> None:
    if path[0] != maze.origin or path[-1] != maze.target:
        raise InvalidMazeError(
            f"token text: the path runs {path[0]} to {path[-1]}, not {maze.origin} to {maze.target}."
        )
    for cell, following in pairwise(path):
        if following not in maze.neighbours(cell):
            raise InvalidMazeError(f"token text: the path steps from {cell} to {following} through a wall.")
