"""How a format writes mazes: its words in id order, and which ids spell a cell and an edge.

The first 11 words are those of every vocabulary, in maze-dataset's id order (target before origin, though
the origin comes first in the text).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int16, Int32
from numpy import ndarray

SPECIAL_WORDS = (
    "<ADJLIST_START>", "<ADJLIST_END>", "<TARGET_START>", "<TARGET_END>", "<ORIGIN_START>", "<ORIGIN_END>",
    "<PATH_START>", "<PATH_END>", "<-->", ";", "<PADDING>",
)  # fmt: skip
(
    ADJLIST_START, ADJLIST_END, TARGET_START, TARGET_END, ORIGIN_START, ORIGIN_END,
    PATH_START, PATH_END, CONNECTOR, SEPARATOR, PADDING,
) = range(11)  # fmt: skip
NUM_SPECIAL = len(SPECIAL_WORDS)
CANVAS = 20
"""Side of the canvas every shipped vocabulary covers."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The tables of one format on one canvas."""

    words: tuple[str, ...]
    """Vocabulary: word of each id."""
    cell_ids: Int32[ndarray, "canvas canvas"]
    """Id of the token that names a cell."""
    edge_ids: Int32[ndarray, "2 canvas canvas"] | None
    """Id of the one token that names an edge; None where an edge is written ``cell <--> cell ;``."""

    @property
    def canvas(self) -> int:
        """Cells per side of the canvas."""
        return len(self.cell_ids)

    @property
    def tokens_per_edge(self) -> int:
        """Tokens an edge takes in the adjacency list."""
        return 4 if self.edge_ids is None else 1

    @cached_property
    def cell_of_id(self) -> Int16[ndarray, "d_vocab 2"]:
        """(row, col) on the canvas of the cell each id names; -1 where it names none."""
        return _names_of_ids(self.cell_ids, len(self.words))

    @cached_property
    def edge_of_id(self) -> Int16[ndarray, "d_vocab 3"]:
        """(direction, row, col) on the canvas of the edge each id names; -1 where it names none."""
        empty = np.empty((0, 0, 0), np.int32)
        return _names_of_ids(empty if self.edge_ids is None else self.edge_ids, len(self.words))

    def words_from_cells(self) -> dict[str, tuple[int, int]]:
        """Return which word names which cell."""
        return {self.words[number]: (int(r), int(c)) for (r, c), number in np.ndenumerate(self.cell_ids)}

    def words_from_edges(self) -> dict[str, tuple[int, int, int]]:
        """Return which word names which edge (empty where edges are spelled by cells)."""
        if self.edge_ids is None:
            return {}
        where = zip(*np.nonzero(self.edge_ids >= 0), strict=True)
        return {self.words[self.edge_ids[d, r, c]]: (int(d), int(r), int(c)) for d, r, c in where}


def cell_word(row: int, col: int) -> str:
    """Return the word of a cell, e.g. ``(3,4)``."""
    return f"({row},{col})"


def _names_of_ids(ids: ndarray, num_ids: int) -> ndarray:
    """Invert a table of ids: the indices at which each id stands, -1 for an id that stands nowhere."""
    names = np.full((num_ids, ids.ndim), -1, np.int16)
    where = np.nonzero(ids >= 0)
    names[ids[where]] = np.stack(where, axis=-1)
    return names
