"""Mazes as pictures of one pixel a cell, wall and opening, in the colours of maze-dataset; both ways.

A picture has (2 rows + 1) x (2 cols + 1) pixels: cells at odd positions, walls and openings between them, posts
at even positions. Reading accepts exactly the pictures that drawing makes. The one maze a picture cannot tell is
one whose origin is its target: only the target is seen, and reading refuses it.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.lattice import LARGEST_SIDE, Cell, Maze
from maze_rl.mazes.pictures.drawing import OPEN, ORIGIN, PATH, TARGET, WALL, pixels

_COLOURS = {WALL: (0, 0, 0), OPEN: (255, 255, 255), PATH: (0, 0, 255), ORIGIN: (0, 255, 0), TARGET: (255, 0, 0)}
PALETTE = np.array([_COLOURS[pixel] for pixel in range(5)], np.uint8)
"""UInt8[5, 3]: the colour of `drawing.WALL`, `OPEN`, `PATH`, `ORIGIN` and `TARGET`."""
Place = Callable[[int, int], str]


def to_pixels(maze: Maze, path: Sequence[Cell] = ()) -> UInt8[ndarray, "height width 3"]:
    """Return the picture of a maze: walls black, openings white, origin green, target red, `path` blue.

    Args:
        maze: What to draw, of `rows` x `cols` cells.
        path: Cells to mark, with the openings between them; cells outside the grid are left out.

    Returns:
        RGB values, ``height = 2 rows + 1``, ``width = 2 cols + 1``.
    """
    return PALETTE[pixels(maze, path)]


def from_pixels(picture: ndarray) -> Maze:
    """Return the maze of a picture that `to_pixels` or maze-dataset made; marks of a path count as open.

    Args:
        picture: UInt8[height, width, 3].

    Raises:
        InvalidMazeError: The array is no picture of a maze; names the first pixel at fault.
    """
    return maze_of_codes(_to_codes(picture), _describe)


def path_of_pixels(picture: ndarray) -> list[Cell]:
    """Return the path marked in a picture, from the origin on; an empty list if none is marked.

    Args:
        picture: UInt8[height, width, 3].

    Raises:
        InvalidMazeError: The array is no picture of a maze, or its marks are not one simple path.
    """
    codes = _to_codes(picture)
    return path_of_codes(codes, maze_of_codes(codes, _describe), _describe)


def maze_of_codes(codes: UInt8[ndarray, "height width"], place: Place) -> Maze:
    """Return the maze that `drawing.pixels` draws as `codes`; marks of a path count as open.

    Args:
        codes: One of `WALL`, `OPEN`, `PATH`, `ORIGIN`, `TARGET` per pixel.
        place: Names a pixel by its row and column in errors.

    Raises:
        InvalidMazeError: The codes are no picture of a maze; names the first pixel at fault.
    """
    height, width = codes.shape
    if not all(side % 2 and 3 <= side <= 2 * LARGEST_SIDE + 1 for side in codes.shape):
        raise InvalidMazeError(
            f"a picture of {height} x {width}: expected 2 rows + 1 by 2 cols + 1, odd numbers from 3 on."
        )
    _check_walls(codes, place)
    origin, target = (only_pixel(codes, code, name, place) for code, name in ((ORIGIN, "start"), (TARGET, "end")))
    rows, cols = height // 2, width // 2
    connections = np.zeros((2, rows, cols), np.bool_)
    connections[0, :-1] = codes[2:-1:2, 1::2] != WALL
    connections[1, :, :-1] = codes[1::2, 2:-1:2] != WALL
    try:
        return Maze(connections, (origin[0] // 2, origin[1] // 2), (target[0] // 2, target[1] // 2))
    except InvalidMazeError:
        raise InvalidMazeError(f"{place(*target)}: this end cannot be reached from the start.") from None


def path_of_codes(codes: UInt8[ndarray, "height width"], maze: Maze, place: Place) -> list[Cell]:
    """Return the path marked in the picture of `maze`, from the origin on; an empty list if none is marked.

    Args:
        codes: The picture, one of `WALL`, `OPEN`, `PATH`, `ORIGIN`, `TARGET` per pixel.
        maze: What `maze_of_codes` returned for it.
        place: Names a pixel by its row and column in errors.

    Raises:
        InvalidMazeError: The marks branch, close a loop, have gaps, or do not begin at the origin.
    """
    remaining = codes == PATH
    if not remaining.any():
        return []
    target, path = _pixel_of(maze.target), [maze.origin]
    remaining[target] = True
    while steps := [cell for cell in maze.neighbours(path[-1]) if remaining[_between(path[-1], cell)]]:
        opening, pixel = _between(path[-1], steps[0]), _pixel_of(steps[0])
        if len(steps) > 1 or not remaining[pixel]:
            raise InvalidMazeError(f"{place(*opening)}: the marked path branches, closes a loop or has a gap here.")
        remaining[opening] = remaining[pixel] = False
        path.append(steps[0])
    remaining[target] = False
    if remaining.any():
        row, col = map(int, np.argwhere(remaining)[0])
        raise InvalidMazeError(f"{place(row, col)}: this mark does not continue the path from the start.")
    return path


def wall_pattern(
    shape: tuple[int, ...],
) -> tuple[Bool[ndarray, "height width"], Bool[ndarray, "height width"]]:
    """Return which pixels of a picture are walls in every maze, border and corners, and which are cells."""
    solid, cell = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    solid[::2, ::2] = solid[[0, -1]] = solid[:, [0, -1]] = True
    cell[1::2, 1::2] = True
    return solid, cell


def _check_walls(codes: ndarray, place: Place) -> None:
    """Border and posts are walls, cells are not, start and end lie on cells."""
    solid, cell = wall_pattern(codes.shape)
    faults = (
        (solid & (codes != WALL), "expected a wall: borders and corners between cells are closed"),
        (cell & (codes == WALL), "expected a cell, got a wall: cells lie at every second row and column"),
        (~cell & (codes >= ORIGIN), "start and end belong on cells, which lie at every second row and column"),
    )
    for wrong, message in faults:
        if wrong.any():
            row, col = np.argwhere(wrong)[0]
            raise InvalidMazeError(f"{place(int(row), int(col))}: {message}.")


def only_pixel(codes: ndarray, code: int, name: str, place: Place) -> tuple[int, int]:
    """Return where the one pixel of a kind lies."""
    found = [(int(row), int(col)) for row, col in np.argwhere(codes == code)]
    if not found:
        raise InvalidMazeError(f"no {name} is marked: a maze needs a start and another cell as its end.")
    if len(found) > 1:
        raise InvalidMazeError(f"{place(*found[1])}: a second {name}; the first is at {place(*found[0])}.")
    return found[0]


def _pixel_of(cell: Cell) -> tuple[int, int]:
    return 2 * cell[0] + 1, 2 * cell[1] + 1


def _between(cell: Cell, neighbour: Cell) -> tuple[int, int]:
    return cell[0] + neighbour[0] + 1, cell[1] + neighbour[1] + 1


def _to_codes(picture: ndarray) -> ndarray:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InvalidMazeError(
            f"expected a picture as UInt8[height, width, 3], got {picture.dtype} of shape {picture.shape}."
        )
    codes = np.full(picture.shape[:2], 255, np.uint8)
    for code, colour in enumerate(PALETTE):
        codes[(picture == colour).all(axis=2)] = code
    if (codes == 255).any():
        row, col = map(int, np.argwhere(codes == 255)[0])
        raise InvalidMazeError(
            f"{_describe(row, col)}: colour {tuple(picture[row, col].tolist())} is none of black (wall), white (open),"
            " green (start), red (end), blue (path)."
        )
    return codes


def _describe(row: int, col: int) -> str:
    return f"pixel row {row}, column {col}"
