"""Text with one maze or many, whichever way they are drawn: the rule that tells walls from cells.

Read as *walls* are box drawings, and blocks of odd height and width, from 3 on, whose frame and whose corners between
cells are ``#`` and whose cells are not, up to one in ten of them: then a fault is named, not read as something else.
Read as *flat* grids are blocks whose lines each have a start, an end and n*n characters, from 5*5 on: every line is a
maze. All else is read as grids of free *cells*. Whoever knows better says which it is.
"""

from collections.abc import Callable, Sequence

from maze_rl.errors import InvalidMazeError, unknown_name
from maze_rl.mazes.interchange.ascii import maze_of_block
from maze_rl.mazes.interchange.box_drawings import from_boxes, has_boxes
from maze_rl.mazes.interchange.cell_grids import flat_block, maze_of_cells
from maze_rl.mazes.interchange.drawn_text import MEANING, Block, cell_blocks, drawn_lines, walled_blocks
from maze_rl.mazes.interchange.pixels import wall_pattern
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.drawing import ORIGIN, TARGET, WALL

READINGS = ("walls", "cells", "flat")
_FAULTS = 0.1
"""Share of frame, corners and cells that may be wrong in a block that is still taken for a drawing of walls."""
_FLAT_SIDE = 5
"""A line of fewer than this squared characters is a corridor, not a square."""
_WALLS = {character for character, code in MEANING.items() if code == WALL}


def read_drawings(text: str, reading: str | None = None) -> list[Maze]:
    """Return the mazes of a text, empty lines between them.

    Args:
        text: Drawings; what characters stand for, `maze_rl.mazes.interchange.drawn_text` says.
        reading: `walls` (between the cells), `cells` (every character is one), or `flat` (every line is a square grid
            of cells); None: each block as it looks.

    Raises:
        InvalidMazeError: A drawing is no maze; names its number, and the line and column at fault, from 1.
        UnknownNameError: There is no such reading.
    """
    if reading is not None and reading not in READINGS:
        raise unknown_name("reading", reading, READINGS)
    lines = drawn_lines(text)
    if reading in (None, "walls") and has_boxes(lines):
        return from_boxes(lines)
    if reading == "walls":
        return _read([(block, maze_of_block) for block in walled_blocks(lines)])
    if reading == "cells":
        return _read([(block, maze_of_cells) for block in cell_blocks(lines)])
    if reading == "flat":
        return _read([(block, _maze_of_line) for block in _single_lines(lines)])
    return _read([pair for block in cell_blocks(lines) for pair in _as_it_looks(block, lines)])


def _as_it_looks(block: Block, text: Sequence[str]) -> list[tuple[Block, Callable[[Block], Maze]]]:
    """Return the mazes of a block of the lines of a text, each with what reads it."""
    walled = [_moved(inner, block) for inner in walled_blocks(block.lines)]
    if all(map(looks_walled, walled)):
        return [(inner, _maze_between_walls) for inner in walled]
    own = text[block.line - 1 : block.line - 1 + len(block.lines)]
    for flat in (own, block.lines):  # of several sizes, or with blanks lost at their ends
        if all(map(_looks_flat, flat)):
            return [(single, _maze_of_line) for single in _single_lines(flat, block.line)]
    return [(block, maze_of_cells)]


def looks_walled(block: Block) -> bool:
    """Tell whether a block is drawn with walls between cells, a few faults aside."""
    height, width = len(block.lines), len(block.lines[0])
    return bool(height % 2 and width % 2 and min(height, width) >= 3) and _faults(block) <= _FAULTS


def _faults(block: Block) -> float:
    """Return the share of frame, corners and cells of a block that are not as in a drawing of walls."""
    solid, cell = wall_pattern((len(block.lines), len(block.lines[0])))
    wrong = sum(
        bool(cell[row, col] if character in _WALLS else solid[row, col])
        for row, line in enumerate(block.lines)
        for col, character in enumerate(line)
    )
    return wrong / float(solid.sum() + cell.sum())


def _looks_flat(line: str) -> bool:
    side = int(len(line) ** 0.5 + 0.5)
    has_ends = all(any(MEANING.get(character) == end for character in line) for end in (ORIGIN, TARGET))
    return side >= _FLAT_SIDE and side * side == len(line) and has_ends


def _maze_between_walls(block: Block) -> Maze:
    try:
        return maze_of_block(block)
    except InvalidMazeError as error:
        hint = " Where every character is a cell, say so: the reading is `cells`." if _faults(block) else ""
        raise InvalidMazeError(f"{error}{hint}") from None


def _maze_of_line(block: Block) -> Maze:
    (line,) = block.lines
    return maze_of_cells(flat_block(line, block.line))


def _single_lines(lines: Sequence[str], first: int = 1) -> list[Block]:
    return [Block((line,), number) for number, line in enumerate(lines, first) if line.strip(" ")]


def _moved(inner: Block, outer: Block) -> Block:
    return Block(inner.lines, outer.line + inner.line - 1, outer.column + inner.column - 1)


def _read(blocks: list[tuple[Block, Callable[[Block], Maze]]]) -> list[Maze]:
    mazes: list[Maze] = []
    for block, read in blocks:
        try:
            mazes.append(read(block))
        except InvalidMazeError as error:
            raise InvalidMazeError(f"maze {len(mazes) + 1}: {error}") from None
    return mazes
