"""Ranges of sizes as people write them: ``5..9`` (inclusive), ``5..15..2`` or ``4,6,8``; rectangles as ``4x7``.

Python's own ways count too: an int, a range, a list, a NumPy array; and texts among the others.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, SupportsIndex

from maze_rl.errors import MazeRLError
from maze_rl.plain_numbers import index_of

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?")
_RECTANGLE = re.compile(r"(\d+)x(\d+)")
SMALLEST_SIZE = 2
SMALLEST_GRID = 1
"""Cells a side of a maze that is read: files hold corridors of one row, which are not generated."""
LARGEST_SIZE = 1024
LONGEST_RANGE = 10_000
Size = int | tuple[int, int]
"""Cells per side of a square, or (rows, cols)."""
AnyInts = str | SupportsIndex | Iterable[Any]
"""Whole numbers as people give them: ``"5..9"``, 7, ``range(5, 10)``, ``[5, 7]``, an array."""
AnySizes = AnyInts
"""Sizes as people give them: as `AnyInts`, with rectangles as ``"4x7"`` or (rows, cols) among others: ``[(4, 7)]``."""
AnySize = str | SupportsIndex | Iterable[Any]
"""One size as people give it: 5, ``"5"``, ``"4x7"`` or (rows, cols)."""


def parse_range(text: str) -> tuple[int, ...]:
    """Parse a list of integers and ranges, e.g. ``"5..9"`` -> ``(5, 6, 7, 8, 9)``.

    Raises:
        MazeRLError: The text is no range, runs backwards, or has a step below 1, or is far too long.
    """
    values: list[int] = []
    for part in text.replace(" ", "").split(","):
        values.extend(_parse_part(part, text))
    return tuple(dict.fromkeys(values))


def _parse_part(part: str, text: str) -> range:
    if re.fullmatch(r"-?\d+", part):
        return range(int(part), int(part) + 1)
    match = _RANGE.fullmatch(part)
    if match is None:
        raise MazeRLError(f"cannot read {text!r} as a range: write 5..9, 5..15..2 or 4,6,8.")
    first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if step < 1:
        raise MazeRLError(f"the step of range {text!r} is {step}: it must be at least 1.")
    if last < first:
        raise MazeRLError(f"range {text!r} runs backwards: write {last}..{first}.")
    values = range(first, last + 1, step)
    if len(values) > LONGEST_RANGE:
        raise MazeRLError(f"range {text!r} holds {len(values)} numbers: at most {LONGEST_RANGE} are read.")
    return values


def check_ints(name: str, given: AnyInts) -> tuple[int, ...]:
    """Return whole numbers, however they are given, as plain ints.

    Raises:
        MazeRLError: It is a text that is no range, or something else than whole numbers; `name` is in the message.
    """
    if isinstance(given, str):
        return parse_range(given)
    values = [index_of(each) for each in _each(given)]
    if any(value is None for value in values):
        raise MazeRLError(f"{name} is {given!r}: expected whole numbers, as 7, '5..9', range(5, 10) or [5, 7].")
    return tuple(value for value in values if value is not None)


def parse_sizes(text: str) -> tuple[Size, ...]:
    """Parse maze sizes: cells per side as in `parse_range`, or rows x columns as in ``4x7``.

    Raises:
        MazeRLError: As `parse_range`, or a size lies outside 2..1024.
    """
    return check_sizes(text)


def parse_grid(text: str | None) -> Size | None:
    """Parse the one size of the mazes of token text; None stays None.

    Raises:
        MazeRLError: As `check_size`.
    """
    return None if text is None else check_size("--grid", text, SMALLEST_GRID)


def parse_squares(text: str) -> tuple[int, ...]:
    """Parse maze sizes where only squares are of use.

    Raises:
        MazeRLError: As `parse_sizes`, or a size is a rectangle.
    """
    return check_squares(text)


def check_sizes(sizes: AnySizes) -> tuple[Size, ...]:
    """Return sizes, however they are given, each once, a square as one number; every side must lie in 2..1024.

    Raises:
        MazeRLError: There is none, one is out of bounds, or it is nothing that can be read as a size.
    """
    checked = tuple(dict.fromkeys(size for each in _each(sizes) for size in _sizes_in(each)))
    if not checked:
        raise MazeRLError("no maze size was given: write for example 5..9.")
    return checked


def check_squares(sizes: AnySizes) -> tuple[int, ...]:
    """Return `sizes` if every one is a square in bounds.

    Raises:
        MazeRLError: As `check_sizes`, or a size is a rectangle.
    """
    squares = []
    for size in check_sizes(sizes):
        if not isinstance(size, int):
            raise MazeRLError(f"size {size[0]}x{size[1]} is no square: training and evaluation take squares, as 5..9.")
        squares.append(size)
    return tuple(squares)


def check_size(name: str, size: AnySize, least: int = SMALLEST_SIZE) -> Size:
    """Return the one size that is given; `least` is the shortest side allowed.

    Raises:
        MazeRLError: As `check_sizes`, or there are several.
    """
    sizes = _sizes_in(size, least)
    if len(sizes) != 1:
        raise MazeRLError(f"{name} is {size!r}: expected one size, as 5 or 4x7.")
    return sizes[0]


def shape_of(name: str, size: AnySize) -> tuple[int, int]:
    """Return rows and columns of the one size that is given; errors are those of `check_size`."""
    found = check_size(name, size)
    return (found, found) if isinstance(found, int) else found


def grid_of(name: str, grid: AnySize) -> tuple[int, int]:
    """Return rows and columns of the one grid that is given: as `shape_of`, and of a single row or column too."""
    found = check_size(name, grid, SMALLEST_GRID)
    return (found, found) if isinstance(found, int) else found


def check_square(name: str, size: AnySize) -> int:
    """Return the one size of squares that is given.

    Raises:
        MazeRLError: As `check_size`, or it is a rectangle.
    """
    return check_squares([check_size(name, size)])[0]


def _each(given: Any) -> Iterator[Any]:
    """Yield what there is several of, or the only one: a text and a number are one."""
    several = isinstance(given, Iterable) and not isinstance(given, str) and index_of(given) is None
    yield from given if several else [given]


def _sizes_in(size: Any, least: int = SMALLEST_SIZE) -> tuple[Size, ...]:
    """Return the sizes that one thing stands for: several where it is a range in words."""
    if not isinstance(size, str):
        return (_checked(*_sides(size), least),)
    found: list[Size] = []
    for part in size.replace(" ", "").split(","):
        rectangle = _RECTANGLE.fullmatch(part)
        sides = [(int(rectangle[1]), int(rectangle[2]))] if rectangle else [(n, n) for n in _parse_part(part, size)]
        found.extend(_checked(*each, least) for each in sides)
    return tuple(dict.fromkeys(found))


def _sides(size: Any) -> tuple[int, int]:
    """Return rows and columns of a number or a pair."""
    side = index_of(size)
    pair = (side, side) if side is not None else tuple(size) if isinstance(size, Iterable) else ()
    rows, cols = map(index_of, pair) if len(pair) == 2 else (None, None)
    if rows is None or cols is None:
        raise MazeRLError(
            f"maze size {size!r} is no size: expected cells per side, as 7, '5..9', range(5, 10) or [5, 7], "
            "or rectangles, as '4x7' or [(4, 7)]."
        )
    return rows, cols


def _checked(rows: int, cols: int, least: int) -> Size:
    for side in (rows, cols):
        if not least <= side <= LARGEST_SIZE:
            raise MazeRLError(f"maze size {side} is out of bounds: sizes are {least} to {LARGEST_SIZE} cells per side.")
    return rows if rows == cols else (rows, cols)


def format_range(values: tuple[Size, ...]) -> str:
    """Write sizes or other integers as a person would: ``(5, 6, 7)`` -> ``"5..7"``, ``(4, (4, 7))`` -> ``"4,4x7"``."""
    squares = [value for value in values if isinstance(value, int)]
    if len(squares) == len(values) > 2 and squares == list(range(squares[0], squares[-1] + 1)):
        return f"{squares[0]}..{squares[-1]}"
    return ",".join(str(value) if isinstance(value, int) else f"{value[0]}x{value[1]}" for value in values)
