"""How a format writes mazes: its words in id order, which ids spell a cell, an edge, a wall and a step.

A maze is a list of its edges, or of its cells with their open sides.

The first 11 words are those of every vocabulary, in maze-dataset's id order (target before origin, though
the origin comes first in the text). Words that only options need come last: those of moves and walls as one block, left
out where no option needs them, and behind it those of turns, left out where the path is not written in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

import numpy as np
from jaxtyping import Int16, Int32, Int64
from numpy import ndarray

from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.displays.short_repr import Shown

SPECIAL_WORDS = (
    "<ADJLIST_START>",
    "<ADJLIST_END>",
    "<TARGET_START>",
    "<TARGET_END>",
    "<ORIGIN_START>",
    "<ORIGIN_END>",
    "<PATH_START>",
    "<PATH_END>",
    "<-->",
    ";",
    "<PADDING>",
)
(
    ADJLIST_START,
    ADJLIST_END,
    TARGET_START,
    TARGET_END,
    ORIGIN_START,
    ORIGIN_END,
    PATH_START,
    PATH_END,
    CONNECTOR,
    SEPARATOR,
    PADDING,
) = range(11)
NUM_SPECIAL = len(SPECIAL_WORDS)
MOVE_WORDS = ("NORTH", "SOUTH", "EAST", "WEST")
TURN_WORDS = ("FORWARD", "BACKWARD", "LEFT", "RIGHT")
"""Those of maze-dataset, in its order."""
WALL_WORD = "<XX>"
STEPS = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)], np.int16)
"""(row, col) of a step in each direction: down, right, up, left."""
NORTH = 2
"""The direction, as a row of `STEPS`, that a walker faces at the origin; maze-dataset's choice too."""
_MOVE_OF_DIRECTION = (1, 2, 0, 3)
_WORD_OF_TURN = (0, 2, 1, 3)
"""Each row of `STEPS` is a turn to the left of the row before: facing south, the left hand is in the east."""
CANVAS = 20
"""Side of the canvas every shipped vocabulary covers."""


@dataclass(frozen=True, eq=False)
class Layout(Shown):
    """The tables of one format on one canvas, with the options of one run."""

    words: tuple[str, ...]
    """Vocabulary: word of each id."""
    cell_tokens: Int32[ndarray, "canvas canvas tokens_per_cell"]
    """Ids of the tokens that spell a cell."""
    edge_ids: Int32[ndarray, "2 canvas canvas"] | None = None
    """Id of the one token that names an edge; None where an edge is spelled by its cells, or cells are listed."""
    wall_ids: Int32[ndarray, "2 canvas canvas"] | None = None
    """Id of the one token that names a closed edge; None where walls have no words of their own."""
    wall_id: int = -1
    """Id of ``<XX>``, which stands between the cells of a wall; -1 without such a word."""
    move_ids: Int32[ndarray, " 4"] | None = None
    """Ids of the moves down, right, up, left; None without such words."""
    turn_ids: Int32[ndarray, " 4"] | None = None
    """Ids of the steps forward, left, backward, right; None without such words."""
    open_cell_ids: Int32[ndarray, "canvas canvas 16"] | None = None
    """Id of the one token that names a cell and its open sides, the sum of down 1, right 2, up 4, left 8; None where
    edges are listed."""
    path_as_moves: bool = False
    """The path is written as steps, a word for each: moves or turns."""
    path_as_turns: bool = False
    """The steps are turns: their words say where a step leads from the way of the one before."""
    connectors: bool = True
    """An edge spelled by its cells is ``cell <--> cell ;``, not ``cell cell``."""
    walls: bool = False
    """Closed edges are listed too."""
    query_first: bool = False
    """Origin and target come before the list of edges."""
    origin_on_path: bool = False
    """The origin has no marks of its own: it is the first cell behind ``<PATH_START>``, and given."""

    @property
    def canvas(self) -> int:
        """Cells per side of the canvas."""
        return len(self.cell_tokens)

    @property
    def tokens_per_cell(self) -> int:
        """Tokens a cell takes: 1, 2 or 5."""
        return self.cell_tokens.shape[2]

    @property
    def tokens_per_step(self) -> int:
        """Tokens a step of the path takes."""
        return 1 if self.path_as_moves else self.tokens_per_cell

    @property
    def starts_at_origin(self) -> bool:
        """Whether what a model writes goes on from the origin: as moves, or behind the origin's cell on the path."""
        return self.path_as_moves or self.origin_on_path

    @property
    def tokens_per_edge(self) -> int:
        """Tokens an edge, or a cell with its open sides, takes in the adjacency list."""
        return 2 * self.tokens_per_cell + 2 * self.connectors if self.spells_edges else 1

    @property
    def lists_cells(self) -> bool:
        """Whether the adjacency list names cells with their open sides, and no edges."""
        return self.open_cell_ids is not None

    @property
    def spells_edges(self) -> bool:
        """Whether the adjacency list spells edges by their cells."""
        return self.edge_ids is None and self.open_cell_ids is None

    @property
    def most_listed(self) -> int:
        """Most things the adjacency list of a maze on the canvas can have."""
        return self.canvas**2 if self.lists_cells else 2 * self.canvas * (self.canvas - 1)

    @property
    def query_tokens(self) -> int:
        """Tokens that target and origin take, with their marks; the target alone where the origin is on the path."""
        return (1 if self.origin_on_path else 2) * (self.tokens_per_cell + 2)

    @property
    def given_tokens(self) -> int:
        """Tokens behind ``<PATH_START>`` that are given: those of the origin where it is on the path, else none."""
        return self.tokens_per_cell if self.origin_on_path else 0

    @overload
    def prompt_tokens(self, num_edges: int) -> int: ...
    @overload
    def prompt_tokens(self, num_edges: Int64[ndarray, " batch"]) -> Int64[ndarray, " batch"]: ...
    def prompt_tokens(self, num_edges: int | Int64[ndarray, " batch"]) -> int | Int64[ndarray, " batch"]:
        """Return the length of a prompt that lists `num_edges` edges (or cells), ``<PATH_START>`` included."""
        return self.tokens_per_edge * num_edges + self.query_tokens + 3

    @overload
    def path_tokens(self, num_cells: int) -> int: ...
    @overload
    def path_tokens(self, num_cells: Int64[ndarray, " batch"]) -> Int64[ndarray, " batch"]: ...
    def path_tokens(self, num_cells: int | Int64[ndarray, " batch"]) -> int | Int64[ndarray, " batch"]:
        """Return the length of a path of `num_cells` cells and its end: what stands behind ``<PATH_START>``.

        The origin is one of the cells; a path of moves has its tokens only where it is given there.
        """
        if self.path_as_moves:
            return self.given_tokens + num_cells
        return num_cells * self.tokens_per_cell + 1

    @overload
    def written_tokens(self, num_cells: int) -> int: ...
    @overload
    def written_tokens(self, num_cells: Int64[ndarray, " batch"]) -> Int64[ndarray, " batch"]: ...
    def written_tokens(self, num_cells: int | Int64[ndarray, " batch"]) -> int | Int64[ndarray, " batch"]:
        """Return how many tokens of a path of `num_cells` cells, origin included, a model writes: all not given."""
        return self.path_tokens(num_cells) - self.given_tokens

    @property
    def path_move_ids(self) -> Int32[ndarray, " directions"]:
        """Ids of the steps down, right, up, left, or forward, left, backward, right; empty where a path is cells."""
        ids = self.turn_ids if self.path_as_turns else self.move_ids
        return np.empty(0, np.int32) if ids is None or not self.path_as_moves else ids

    def step_ids(self, headings: int | Int64[ndarray, "*walkers"]) -> Int32[ndarray, "*walkers 4"]:
        """Return the ids of the steps down, right, up, left of walkers who face `headings`, rows of `STEPS`."""
        directions = np.arange(4) - np.asarray(headings)[..., None] * self.path_as_turns
        return self.path_move_ids[directions % 4]

    @property
    def cell_ids(self) -> Int32[ndarray, "canvas canvas"]:
        """Id of the one token that names a cell; formats with several tokens per cell have none."""
        assert self.tokens_per_cell == 1, "a cell of this format takes several tokens"
        return self.cell_tokens[..., 0]

    @cached_property
    def written_ids(self) -> Int64[ndarray, " written"]:
        """Ids of all words that a model may write: those of cells, or the moves, and ``<PATH_END>``; ascending."""
        words = self.path_move_ids if self.path_as_moves else self.cell_tokens
        return np.unique(np.append(words, PATH_END)).astype(np.int64)

    @cached_property
    def row_place(self) -> int:
        """Which of a cell's tokens tells its row."""
        return _distinct_place(self.cell_tokens[:, 0])

    @cached_property
    def col_place(self) -> int:
        """Which of a cell's tokens tells its column."""
        return _distinct_place(self.cell_tokens[0])

    @cached_property
    def row_of_id(self) -> Int16[ndarray, " d_vocab"]:
        """Row on the canvas that each id tells at its place in a cell; -1 where it tells none."""
        return _indices_of_ids(self.cell_tokens[..., self.row_place], len(self.words))[:, 0]

    @cached_property
    def col_of_id(self) -> Int16[ndarray, " d_vocab"]:
        """Column on the canvas that each id tells at its place in a cell; -1 where it tells none."""
        return _indices_of_ids(self.cell_tokens[..., self.col_place], len(self.words))[:, 1]

    @cached_property
    def edge_of_id(self) -> Int16[ndarray, "d_vocab 3"]:
        """(direction, row, col) on the canvas of the edge or wall each id names; -1 where it names none."""
        names = np.full((len(self.words), 3), -1, np.int16)
        for table in (self.edge_ids, self.wall_ids):
            if table is not None:
                names = np.maximum(names, _indices_of_ids(table, len(self.words)))
        return names

    @cached_property
    def open_cell_of_id(self) -> Int16[ndarray, "d_vocab 3"]:
        """(row, col, open sides) on the canvas of the listed cell each id names; -1 where it names none."""
        if self.open_cell_ids is None:
            return np.full((len(self.words), 3), -1, np.int16)
        return _indices_of_ids(self.open_cell_ids, len(self.words))

    def words_of_cell(self, row: int, col: int) -> str:
        """Return how a cell is written, e.g. ``(3,4)`` or ``( 3 , 4 )``."""
        return " ".join(self.words[number] for number in self.cell_tokens[row, col])

    @cached_property
    def known_words(self) -> frozenset[str]:
        """The words of the vocabulary, in no order."""
        return frozenset(self.words)

    @cached_property
    def words_from_cells(self) -> Mapping[str, tuple[int, int]]:
        """Which words, joined by spaces, name which cell."""
        return {self.words_of_cell(r, c): (r, c) for r in range(self.canvas) for c in range(self.canvas)}

    @cached_property
    def words_from_open_cells(self) -> Mapping[str, tuple[int, int, int]]:
        """Which word names which (row, col, open sides), in id order (empty where edges are listed)."""
        return _words_of(self.open_cell_ids, self.words)

    @cached_property
    def words_from_edges(self) -> Mapping[str, tuple[int, int, int]]:
        """Which word names which open edge, in id order (empty where edges are spelled by cells)."""
        return _words_of(self.edge_ids, self.words)

    @cached_property
    def words_from_walls(self) -> Mapping[str, tuple[int, int, int]]:
        """Which word names which closed edge, in id order (empty where walls have no words of their own)."""
        return _words_of(self.wall_ids, self.words)


def with_options(layout: Layout, config: TokenizationConfig) -> Layout:
    """Return the layout of a format with the options of a run, and the words they need."""
    chosen = replace(
        layout,
        path_as_moves=config.path != "cells",
        path_as_turns=config.path == "turns",
        connectors=config.connectors,
        walls=config.walls,
        query_first=config.query == "first",
        origin_on_path=config.origin == "path",
    )
    if config.needs_further_words:
        chosen = _with_further_words(chosen)
    return _with_turns(chosen) if chosen.path_as_turns else chosen


def headings_along(paths: Int16[ndarray, "*paths length 2"]) -> Int64[ndarray, "*paths length"]:
    """Return the way a walker faces at each cell of a path, as a row of `STEPS`; past its end it means nothing."""
    down, right = np.moveaxis(np.diff(paths.astype(np.int64), axis=-2), -1, 0)
    came_by = np.where(down != 0, 1 - down, 2 - right) % 4
    facing = np.full(paths.shape[:-1], NORTH, np.int64)
    facing[..., 1:] = came_by
    return facing


def _with_turns(layout: Layout) -> Layout:
    """Append the words of turns."""
    turn_ids = np.array([len(layout.words) + turn for turn in _WORD_OF_TURN], np.int32)
    return replace(layout, words=(*layout.words, *TURN_WORDS), turn_ids=turn_ids)


def _with_further_words(layout: Layout) -> Layout:
    """Append the block of moves and walls, all of it: an id does not depend on which of them a run uses."""
    first = len(layout.words)
    move_ids = np.array([first + move for move in _MOVE_OF_DIRECTION], np.int32)
    words, first_wall = (*layout.words, *MOVE_WORDS), first + len(MOVE_WORDS)
    if layout.lists_cells:
        return replace(layout, words=words, move_ids=move_ids)
    if layout.edge_ids is None:
        return replace(layout, words=(*words, WALL_WORD), move_ids=move_ids, wall_id=first_wall)
    wall_ids, edges = np.full_like(layout.edge_ids, -1), layout.words_from_edges
    for position, edge in enumerate(edges.values()):
        wall_ids[edge] = first_wall + position
    wall_words = (word.replace(")-(", ")|(") for word in edges)
    return replace(layout, words=(*words, *wall_words), move_ids=move_ids, wall_ids=wall_ids)


def cell_word(row: int, col: int) -> str:
    """Return the word of a cell where it has one, e.g. ``(3,4)``."""
    return f"({row},{col})"


def _distinct_place(tokens: Int32[ndarray, "canvas tokens_per_cell"]) -> int:
    """Return the first place whose tokens all differ."""
    return next(place for place, column in enumerate(tokens.T) if len(np.unique(column)) == len(column))


def _indices_of_ids(ids: ndarray, num_ids: int) -> ndarray:
    """Invert a table of ids: the indices at which each id stands, -1 for an id that stands nowhere."""
    names = np.full((num_ids, ids.ndim), -1, np.int16)
    where = np.nonzero(ids >= 0)
    names[ids[where]] = np.stack(where, axis=-1)
    return names


def _words_of(ids: ndarray | None, words: tuple[str, ...]) -> dict[str, tuple[int, int, int]]:
    if ids is None:
        return {}
    where = sorted(zip(*np.nonzero(ids >= 0), strict=True), key=lambda edge: ids[edge])
    return {words[ids[d, r, c]]: (int(d), int(r), int(c)) for d, r, c in where}
