"""Mazes as grids of free cells: every character is a cell, ``#`` a blocked one; both ways.

This is how rooms with obstacles are written, and the puzzles of Maze-Hard (Wang et al. 2025, "Hierarchical Reasoning
Model", 2506.21734): ``#`` blocked, blank free, ``S`` start, ``G`` goal, ``o`` on a shortest path. Free neighbours are
connected; a blocked cell is a cell without an open side. So cell (row, col) of the maze is the character in that
row and column of the text, frame included.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.interchange.drawn_text import Block, cell_blocks, codes_of, drawn_lines
from maze_rl.mazes.interchange.pixels import Place, only_pixel
from maze_rl.mazes.lattice import LARGEST_SIDE, Cell, Maze
from maze_rl.mazes.pictures.drawing import ORIGIN, PATH, TARGET, WALL
from maze_rl.mazes.pictures.marks import cell_degrees
from maze_rl.mazes.solve import solve

CELL_CHARACTERS = "# oSG"
"""What is written for a cell that is blocked, free, on the path, the start, the goal."""


def from_cell_grid(text: str) -> Maze:
    """Return the maze of one grid of free cells; a path that is marked must be a shortest one.

    Args:
        text: The grid, a line for each row; lines may have lost their trailing blanks.

    Raises:
        InvalidMazeError: The text is no such grid, or its marks are no shortest path; names the line and column at
            fault, both from 1.
    """
    blocks = cell_blocks(drawn_lines(text))
    if not blocks:
        raise InvalidMazeError("the text is empty: expected a grid of cells in #, blank, S and G.")
    if len(blocks) > 1:
        raise InvalidMazeError(
            f"{blocks[1].place(0, 0)}: a second grid begins behind an empty line; `read_drawings` reads several."
        )
    return maze_of_cells(blocks[0])


def maze_of_cells(block: Block) -> Maze:
    """Return the maze of a block of lines in which every character is a cell.

    Raises:
        InvalidMazeError: As `from_cell_grid`.
    """
    try:
        codes = codes_of(block)
        maze = _maze(codes, block.place)
        _check_marks(codes, maze, block.place)
    except InvalidMazeError as error:
        raise block.refused(str(error)) from None
    return maze


def flat_block(line: str, number: int) -> Block:
    """Return the square grid that one line of n*n characters spells, row after row.

    Args:
        line: All cells of the grid.
        number: Number of the line in its text, for errors.

    Raises:
        InvalidMazeError: The number of characters is no square.
    """
    side = int(len(line) ** 0.5 + 0.5)
    if side < 1 or side * side != len(line):
        raise InvalidMazeError(
            f"line {number}, column 1: {len(line)} characters, which is no square: a flat grid has n*n cells."
        )
    return Block(tuple(line[start : start + side] for start in range(0, len(line), side)), number, wraps=True)


def draw_cell_grid(maze: Maze, path: Sequence[Cell] = ()) -> str:
    """Draw a maze of free and blocked cells, a character a cell: ``#``, blank, ``S``, ``G``, and ``o`` on `path`.

    Raises:
        InvalidMazeError: A wall stands between two free neighbours, which such a grid cannot show, or the origin is the
            target.
    """
    free = free_cells(maze)
    codes = np.where(free, 1, WALL)
    for row, col in path:
        codes[row, col] = PATH
    codes[maze.origin], codes[maze.target] = ORIGIN, TARGET
    return "\n".join("".join(CELL_CHARACTERS[code] for code in line) for line in codes)


def free_cells(maze: Maze) -> Bool[ndarray, "rows cols"]:
    """Return which cells are free: those with an open side.

    Raises:
        InvalidMazeError: A wall stands between two free neighbours, or the origin is the target.
    """
    if maze.origin == maze.target:
        raise InvalidMazeError(f"a grid of cells cannot show a maze whose origin is its target, {maze.origin}.")
    free = cell_degrees(maze) > 0
    walls = _between(free) & ~maze.connections
    if walls.any():
        direction, row, col = map(int, np.argwhere(walls)[0])
        other = (row + 1, col) if direction == 0 else (row, col + 1)
        raise InvalidMazeError(
            f"a wall stands between the cells {(row, col)} and {other}: a grid of free cells cannot show it; "
            "write a drawing with walls (.txt)."
        )
    return free


def _between(free: Bool[ndarray, "rows cols"]) -> Bool[ndarray, "2 rows cols"]:
    """Return the edges between free neighbours."""
    edges = np.zeros((2, *free.shape), np.bool_)
    edges[0, :-1] = free[:-1] & free[1:]
    edges[1, :, :-1] = free[:, :-1] & free[:, 1:]
    return edges


def _maze(codes: UInt8[ndarray, "rows cols"], place: Place) -> Maze:
    if max(codes.shape) > LARGEST_SIDE:
        raise InvalidMazeError(f"a grid of {codes.shape[0]} x {codes.shape[1]}: at most {LARGEST_SIDE} cells a side.")
    origin, target = (only_pixel(codes, code, name, place) for code, name in ((ORIGIN, "start"), (TARGET, "end")))
    try:
        return Maze(_between(codes != WALL), origin, target)
    except InvalidMazeError:
        raise InvalidMazeError(f"{place(*target)}: this end cannot be reached from the start.") from None


def _check_marks(codes: UInt8[ndarray, "rows cols"], maze: Maze, place: Place) -> None:
    """The marks are one shortest path: between its ends one cell at each distance, each beside the next."""
    marked = [(int(row), int(col)) for row, col in np.argwhere(codes == PATH)]
    if not marked:
        return
    distances, length = (solution := solve(maze)).distances, solution.distance
    expected = set(range(1, length))
    seen: dict[int, Cell] = {length: maze.origin, 0: maze.target}
    for cell in marked:
        steps = int(distances[cell])
        if steps not in expected or steps in seen:
            raise InvalidMazeError(f"{place(*cell)}: this mark and the others are no path of {length} steps.")
        seen[steps] = cell
    for steps in range(length, 0, -1):
        if seen.get(steps - 1) not in maze.neighbours(seen[steps]):
            raise InvalidMazeError(
                f"{place(*seen[steps])}: the marked path breaks off here, {steps} steps before the end."
            )
