"""Ranges of sizes as people write them: ``5..9`` (inclusive), ``5..15..2`` or ``4,6,8``; rectangles as ``4x7``."""

import operator
import re
from collections.abc import Iterable, Sequence
from typing import Any

from maze_rl.errors import MazeRLError

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?")
_RECTANGLE = re.compile(r"(\d+)x(\d+)")
SMALLEST_SIZE = 2
LARGEST_SIZE = 1024
LONGEST_RANGE = 10_000
Size = int | tuple[int, int]
"""Cells per side of a square, or (rows, cols)."""


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


def parse_sizes(text: str) -> tuple[Size, ...]:
    """Parse maze sizes: cells per side as in `parse_range`, or rows x columns as in ``4x7``.

    Raises:
        MazeRLError: As `parse_range`, or a size lies outside 2..1024.
    """
    sizes: list[Size] = []
    for part in text.replace(" ", "").split(","):
        rectangle = _RECTANGLE.fullmatch(part)
        sizes.extend([(int(rectangle[1]), int(rectangle[2]))] if rectangle else _parse_part(part, text))
    return tuple(dict.fromkeys(check_sizes(sizes)))


def parse_grid(text: str | None) -> Size | None:
    """Parse the one size of the mazes of token text; None stays None.

    Raises:
        MazeRLError: As `parse_sizes`, or there are several.
    """
    if text is None:
        return None
    sizes = parse_sizes(text)
    if len(sizes) != 1:
        raise MazeRLError(f"--grid {text}: token text has mazes of one size.")
    return sizes[0]


def parse_squares(text: str) -> tuple[int, ...]:
    """Parse maze sizes where only squares are of use.

    Raises:
        MazeRLError: As `parse_sizes`, or a size is a rectangle.
    """
    return check_squares(parse_sizes(text))


def check_sizes(sizes: Iterable[Size]) -> tuple[Size, ...]:
    """Return `sizes`, a square rectangle as one number, if every side lies in 2..1024.

    Raises:
        MazeRLError: There is none, or one is out of bounds.
    """
    checked: list[Size] = []
    for size in sizes:
        rows, cols = _sides(size)
        for side in (rows, cols):
            if not SMALLEST_SIZE <= side <= LARGEST_SIZE:
                raise MazeRLError(
                    f"maze size {side} is out of bounds: sizes are {SMALLEST_SIZE} to {LARGEST_SIZE} cells per side."
                )
        checked.append(rows if rows == cols else (rows, cols))
    if not checked:
        raise MazeRLError("no maze size was given: write for example 5..9.")
    return tuple(checked)


def _sides(size: Any) -> tuple[int, int]:
    try:
        rows, cols = size if isinstance(size, Sequence) else (size, size)
        return operator.index(rows), operator.index(cols)
    except (TypeError, ValueError):
        raise MazeRLError(f"maze size {size!r} is no size: write cells per side, or (rows, cols).") from None


def check_squares(sizes: Iterable[Size]) -> tuple[int, ...]:
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


def format_range(values: tuple[Size, ...]) -> str:
    """Write sizes or other integers as a person would: ``(5, 6, 7)`` -> ``"5..7"``, ``(4, (4, 7))`` -> ``"4,4x7"``."""
    squares = [value for value in values if isinstance(value, int)]
    if len(squares) == len(values) > 2 and squares == list(range(squares[0], squares[-1] + 1)):
        return f"{squares[0]}..{squares[-1]}"
    return ",".join(str(value) if isinstance(value, int) else f"{value[0]}x{value[1]}" for value in values)
