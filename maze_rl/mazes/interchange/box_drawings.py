"""Mazes out of drawings with box characters: what `maze-rl show` and `maze-rl solve` write to a terminal or a file.

Drawings may stand side by side, with captions and a legend under them. Light, heavy, double and rounded lines are read,
and ``+``, ``-`` and ``|``. In a cell, ``S`` and ``E`` count; numbers and marks are passed over.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.interchange.drawn_text import MEANING
from maze_rl.mazes.interchange.pixels import maze_of_codes
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.pictures.drawing import OPEN, ORIGIN, PATH, POSTS, TARGET, WALL, join_walls

_ARMS = {"UP": 1, "RIGHT": 2, "DOWN": 4, "LEFT": 8, "VERTICAL": 5, "HORIZONTAL": 10}
_TOP = r"(?:┌[─┬]*┐|\+(?:─+\+)+)"
_TOPS = re.compile(rf" *{_TOP}(?: +{_TOP})* *")
_WIDTHS = (3, 5, 7, 1)
"""Characters a cell is wide: 3, and more where long numbers stand in it."""


def _light(character: str) -> str:
    """Return the light line with the arms of a box character."""
    words = unicodedata.name(character).split()
    return POSTS[sum({_ARMS[word] for word in words if word in _ARMS})]


_LIGHT = {code: _light(chr(code)) for code in range(0x2500, 0x2580) if "DIAGONAL" not in unicodedata.name(chr(code))}
_PLAIN = {ord("-"): "─", ord("|"): "│"}
_LINES = set(POSTS) - {" "}


@dataclass(frozen=True)
class _Drawing:
    """One drawing: its characters and where they stand in the text."""

    lines: tuple[str, ...]
    line: int
    """Index of the first line in the text, from 0."""
    column: int
    """Index of the first character in its line, from 0."""
    width: int = 3
    """Characters a cell is wide."""

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels: height and width."""
        return len(self.lines), 2 * ((len(self.lines[0]) - 1) // (self.width + 1)) + 1

    def text(self, row: int, col: int) -> str:
        """Return what stands at a pixel: one character at posts and upright walls, `width` of them elsewhere."""
        start = col // 2 * (self.width + 1) + col % 2
        return self.lines[row][start : start + (self.width if col % 2 else 1)]

    def place(self, row: int, col: int) -> str:
        """Name a pixel by its line and column in the text, both from 1."""
        start = col // 2 * (self.width + 1) + col % 2
        return f"line {self.line + row + 1}, column {self.column + start + (self.width // 2 if col % 2 else 0) + 1}"


def has_boxes(lines: Sequence[str]) -> bool:
    """Tell whether mazes are drawn in box characters, or with ``+``, ``-`` and ``|``."""
    return any(_TOPS.fullmatch(line) for line in _in_light_lines(lines))


def from_boxes(lines: Sequence[str]) -> list[Maze]:
    """Return the mazes drawn in box characters, row by row where they stand side by side.

    Raises:
        InvalidMazeError: A drawing is no maze; names the line and column at fault, both from 1.
    """
    mazes: list[Maze] = []
    for drawing in _drawings(_in_light_lines(lines)):
        try:
            mazes.append(_maze(drawing))
        except InvalidMazeError as error:
            reason = str(error)
            where = "" if reason.startswith("line ") else f"{drawing.place(0, 0)}: "
            raise InvalidMazeError(f"maze {len(mazes) + 1}: {where}{reason}") from None
    return mazes


def _in_light_lines(lines: Sequence[str]) -> list[str]:
    light = [line.translate(_LIGHT) for line in lines]
    if any(character in line for line in light for character in "┌└"):
        return light
    return [line.translate(_PLAIN) for line in light]


def _drawings(lines: list[str]) -> Iterator[_Drawing]:
    """Yield every drawing; what stands between two rows of drawings may be anything but walls."""
    row = 0
    while row < len(lines):
        if not _TOPS.fullmatch(lines[row]):
            stray = next((col for col, character in enumerate(lines[row]) if character in "┌┐└┘├┤┬┴┼"), None)
            if stray is not None:
                raise InvalidMazeError(f"line {row + 1}, column {stray + 1}: a wall outside of the drawings.")
            row += 1
            continue
        found = [_cut_out(lines, row, match.span()) for match in re.finditer(_TOP, lines[row])]
        yield from found
        row += max(len(drawing.lines) for drawing in found)


def _cut_out(lines: list[str], top: int, columns: tuple[int, int]) -> _Drawing:
    """Return the drawing below a top border: as far as its left border goes."""
    left, right = columns
    bottom = top + 1
    while bottom < len(lines) and lines[bottom][left : left + 1] in {"│", "├", "+"}:
        bottom += 1
    if bottom < len(lines) and lines[bottom][left : left + 1] == "└":
        bottom += 1
    return _Drawing(tuple(line[left:right].ljust(right - left) for line in lines[top:bottom]), top, left)


def _maze(drawing: _Drawing) -> Maze:
    """Return the maze of a drawing, whose cells are as wide as makes its walls join.

    With the width of a cell a start lies in the middle of a cell: 3, 5 and 7 never agree on that.
    """
    first: InvalidMazeError | None = None
    for width in _possible_widths(drawing):
        sized = replace(drawing, width=width)
        try:
            return maze_of_codes(_codes(sized), sized.place)
        except InvalidMazeError as error:
            first = first or error
    raise first or InvalidMazeError("a border as wide as no number of cells with a start in the middle of one.")


def _possible_widths(drawing: _Drawing) -> list[int]:
    total = len(drawing.lines[0]) - 1
    if drawing.lines[0].startswith("+"):
        return [drawing.lines[0].index("+", 1) - 1]
    starts = [line.find(mark) for line in drawing.lines[1::2] for mark in "SsOo" if mark in line]
    possible = [width for width in _WIDTHS if total % (width + 1) == 0]
    return sorted(possible, key=lambda width: not any(at % (width + 1) == (width + 1) // 2 for at in starts))


def _codes(drawing: _Drawing) -> UInt8[ndarray, "height width"]:
    """Return the pixels of a drawing whose walls join.

    Raises:
        InvalidMazeError: A wall breaks off, or a post does not fit the walls around it.
    """
    codes = np.full(drawing.shape, WALL, np.uint8)
    has_start = any("S" in line or "s" in line for line in drawing.lines)
    for row, col in np.ndindex(*drawing.shape):
        text = drawing.text(row, col)
        if row % 2 and col % 2:
            codes[row, col] = _meaning(text.strip(" "), has_start)
        elif row % 2 or col % 2:
            line = "│" if row % 2 else "─"
            if set(text) != {line}:
                if _LINES & set(text):
                    raise InvalidMazeError(f"{drawing.place(row, col)}: the wall {text!r} is broken.")
                codes[row, col] = PATH if _meaning(text.strip(" "), True) == PATH else OPEN
    posts = join_walls(codes)[::2, ::2].tolist()
    for row in range(0, len(codes), 2):
        for col, expected in enumerate(posts[row // 2]):
            post = drawing.text(row, 2 * col)
            if post not in (expected, "+"):
                raise InvalidMazeError(
                    f"{drawing.place(row, 2 * col)}: {post!r} does not join the walls beside it, {expected!r} would."
                )
    return codes


def _meaning(text: str, has_start: bool) -> int:
    """Return the pixel that the text in a cell stands for; numbers and other marks are open."""
    if len(text) != 1 or text not in MEANING:
        return OPEN
    if text in "Oo" and not has_start:
        return ORIGIN
    code = MEANING[text]
    return code if code in (ORIGIN, TARGET, PATH) else OPEN
