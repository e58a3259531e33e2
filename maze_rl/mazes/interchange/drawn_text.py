"""Text that draws mazes, taken apart: its lines, blocks of lines, and what each character stands for.

Read are Unix, Windows and old Macintosh line ends, byte order marks, colours of a terminal, and lines that lost their
trailing blanks. Tabs are refused: how wide they are is not written.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.pictures.drawing import OPEN, ORIGIN, PATH, TARGET, WALL

MEANING = {
    character: code
    for code, characters in ((WALL, "#█"), (OPEN, " "), (ORIGIN, "Ss"), (TARGET, "EeTtGg"), (PATH, "XxOo*.·∘"))
    for character in characters
}
"""The pixel each character stands for; `codes_of` says when ``o`` is a start and when ``.`` is the floor."""
EXPECTED = "none of # (wall), blank (open), S (start), E, T or G (end) and X, o, * or . (path)"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_COLOURS = re.compile(r"\033\[[\d;]*m")


@dataclass(frozen=True)
class Block(Shown):
    """Some lines of a text, all of one length, and where they stand in it."""

    lines: tuple[str, ...]
    line: int
    """Number of the first line in the text, from 1."""
    column: int = 1
    """Number of the first character in its line, from 1."""
    wraps: bool = False
    """Whether the lines are one line of the text, cut into pieces."""

    def place(self, row: int, col: int) -> str:
        """Name a character by its line and column in the whole text, both from 1."""
        if self.wraps:
            return f"line {self.line}, column {self.column + row * len(self.lines[0]) + col}"
        return f"line {self.line + row}, column {self.column + col}"

    def refused(self, reason: str) -> InvalidMazeError:
        """Return the error for a fault of the block as a whole; one that names its place already stays as it is."""
        return InvalidMazeError(reason if reason.startswith("line ") else f"{self.place(0, 0)}: {reason}")


def decode_text(content: bytes) -> str:
    """Return the text of a file: UTF-8, or what its byte order mark says.

    Raises:
        UnicodeError: The bytes are no such text.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name)
    return content.decode("utf-8")


def drawn_lines(text: str) -> list[str]:
    """Return the lines of a text, without colours.

    Raises:
        InvalidMazeError: There is a tab in it; names its line and column.
    """
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    lines = _COLOURS.sub("", plain).split("\n")
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            raise InvalidMazeError(
                f"line {number}, column {line.index(chr(9)) + 1}: a tab, whose width is not written: use blanks."
            )
    return lines


def walled_blocks(lines: Sequence[str]) -> list[Block]:
    """Return the drawings between lines without a character or of blanks alone, without blanks around them."""
    blocks = []
    for start, end in _stretches([bool(line.strip(" ")) for line in lines]):
        drawing = [line.rstrip(" ") for line in lines[start:end]]
        left = min(len(line) - len(line.lstrip(" ")) for line in drawing)
        width = max(map(len, drawing))
        blocks.append(Block(tuple(line.ljust(width)[left:] for line in drawing), start + 1, left + 1))
    return blocks


def cell_blocks(lines: Sequence[str]) -> list[Block]:
    """Return the grids of cells between lines without a character, their blanks kept; short lines are filled up.

    A line of blanks alone is a row of free cells where it is as long as the longest line around it, else it parts two.
    """
    blocks = []
    for start, end in _stretches([bool(line) for line in lines]):
        run = lines[start:end]
        width = max(map(len, run))
        rows = [bool(line.strip(" ")) or len(line) == width for line in run]
        for first, last in _stretches(rows):
            part = run[first:last]
            if any(line.strip(" ") for line in part):
                longest = max(map(len, part))
                blocks.append(Block(tuple(line.ljust(longest) for line in part), start + first + 1))
    return blocks


def codes_of(block: Block) -> UInt8[ndarray, "height width"]:
    """Return the pixel each character stands for: `drawing.WALL`, `OPEN`, `PATH`, `ORIGIN` or `TARGET`.

    ``O`` is the start where it stands once and no ``S`` does, else a mark of a path. ``.`` is a mark of a path where
    open places are blank and no other mark is used, else it is the floor.

    Raises:
        InvalidMazeError: A character stands for nothing; names its line and column.
    """
    text = "".join(block.lines)
    used = set(text)
    if strange := used - MEANING.keys():
        width, at = len(block.lines[0]), min(text.index(character) for character in strange)
        raise InvalidMazeError(f"{block.place(*divmod(at, width))}: {text[at]!r} is {EXPECTED}.")
    meaning = dict(MEANING)
    if not used & {"S", "s"} and text.count("O") + text.count("o") == 1:
        meaning["O"] = meaning["o"] = ORIGIN
    marks = {character for character in used if meaning[character] == PATH}
    if " " not in used or marks != {"."}:
        meaning["."] = OPEN
    pixels = text.translate({ord(character): code for character, code in meaning.items()})
    return np.frombuffer(pixels.encode("latin-1"), np.uint8).reshape(len(block.lines), -1).copy()


def _stretches(flags: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield where each unbroken run of True begins, and one behind its end."""
    at = 0
    for flag, group in groupby(flags):
        length = len(list(group))
        if flag:
            yield at, at + length
        at += length
