"""Mazes as plain text, as maze-dataset writes them: ``#`` walls, spaces, ``S``, ``E``, ``X`` on a path; both ways.

One character per pixel of `maze_rl.mazes.interchange.pixels`. What `draw_ascii` writes is read back exactly; what
people and other programs write is read with more patience: see `maze_rl.mazes.interchange.drawn_text`.
"""

from collections.abc import Sequence

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.interchange.drawn_text import Block, codes_of, drawn_lines, walled_blocks
from maze_rl.mazes.interchange.pixels import maze_of_codes, path_of_codes
from maze_rl.mazes.lattice import Cell, Maze
from maze_rl.mazes.pictures.drawing import pixels

CHARACTERS = "# XSE"
"""The characters of `drawing.WALL`, `OPEN`, `PATH`, `ORIGIN` and `TARGET`."""


def draw_ascii(maze: Maze, path: Sequence[Cell] = ()) -> str:
    """Draw a maze as maze-dataset does: ``#`` walls, spaces, ``S``, ``E``, and ``X`` on `path`."""
    return "\n".join("".join(CHARACTERS[pixel] for pixel in line) for line in pixels(maze, path))


def from_ascii(text: str) -> Maze:
    """Return the maze of one drawing with ``#`` as walls; marks of a path count as open.

    Args:
        text: The drawing, with ``S`` or ``O`` as start, ``E``, ``T`` or ``G`` as end, and ``X``, ``o``, ``*`` or ``.``
            on a path; blanks and empty lines around it are passed over.

    Raises:
        InvalidMazeError: The text is no such drawing; names the line and column at fault, both from 1.
    """
    return maze_of_block(_only_block(text))


def path_of_ascii(text: str) -> list[Cell]:
    """Return the path marked in a drawing, from the origin on; an empty list if none is marked.

    Args:
        text: The drawing, as `from_ascii` reads it.

    Raises:
        InvalidMazeError: The text is no drawing of a maze, or its marks are not one simple path from the start.
    """
    block = _only_block(text)
    maze = maze_of_block(block)
    return path_of_codes(codes_of(block), maze, block.place)


def maze_of_block(block: Block) -> Maze:
    """Return the maze that a block of lines draws with walls between its cells.

    Raises:
        InvalidMazeError: The block is no such drawing; names the line and column at fault, both from 1.
    """
    try:
        return maze_of_codes(codes_of(block), block.place)
    except InvalidMazeError as error:
        raise block.refused(str(error)) from None


def _only_block(text: str) -> Block:
    blocks = walled_blocks(drawn_lines(text))
    if not blocks:
        raise InvalidMazeError("the text is empty: expected a drawing of a maze in #, blank, S, E and X.")
    if len(blocks) > 1:
        raise InvalidMazeError(
            f"{blocks[1].place(0, 0)}: a second drawing begins behind an empty line; `read_drawings` reads several."
        )
    return blocks[0]
