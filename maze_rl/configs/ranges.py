"""Ranges of sizes as people write them: ``5..9`` (inclusive), ``5..15..2`` or ``4,6,8``."""

import re

from maze_rl.errors import MazeRLError

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?")
SMALLEST_SIZE = 2
LARGEST_SIZE = 1024
LONGEST_RANGE = 10_000


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


def parse_sizes(text: str) -> tuple[int, ...]:
    """Parse a range of maze sizes (cells per side) and check that each can be a maze.

    Raises:
        MazeRLError: As `parse_range`, or a size lies outside 2..1024.
    """
    return check_sizes(parse_range(text))


def check_sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return `sizes` if every one lies in 2..1024.

    Raises:
        MazeRLError: There is none, or one is out of bounds.
    """
    if not sizes:
        raise MazeRLError("no maze size was given: write for example 5..9.")
    for size in sizes:
        if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
            raise MazeRLError(
                f"maze size {size} is out of bounds: sizes are {SMALLEST_SIZE} to {LARGEST_SIZE} cells per side."
            )
    return sizes


def format_range(values: tuple[int, ...]) -> str:
    """Write integers as a person would: ``(5, 6, 7)`` -> ``"5..7"``."""
    if len(values) > 2 and values == tuple(range(values[0], values[-1] + 1)):
        return f"{values[0]}..{values[-1]}"
    return ",".join(map(str, values))
