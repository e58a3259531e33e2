"""Token text that tells where its maze lies on the canvas.

Words name cells of the canvas, as a model reads them. People, and all else in this package, speak of the maze's own
cells: those minus the offset.
"""

from maze_rl.mazes.lattice import Cell


class TokenText(str):
    """The text of one maze: a string like any other, with the place of the maze's cell (0, 0) on the canvas."""

    offset: Cell
    """(row, col) on the canvas of the maze's cell (0, 0)."""

    def __new__(cls, text: str, offset: Cell) -> "TokenText":
        """Return `text` with its maze's `offset`."""
        made = super().__new__(cls, text)
        made.offset = offset
        return made

    def __reduce__(self) -> tuple[type["TokenText"], tuple[str, Cell]]:
        return TokenText, (str(self), self.offset)
