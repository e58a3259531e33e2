"""Pieces of HTML for notebooks: tables, facts, and bars of intervals.

Notebooks are light or dark, and each has a style of its own. So all text and lines take the colour around them
(``currentColor``), shades are transparent, and the two hues have enough contrast on white and on black. Styles stand
at the elements: a viewer that strips them still shows a plain table.
"""

import inspect
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from maze_rl.displays.short_repr import brief, cut, short_repr, told_fields

BLUE, ORANGE = "#2a8fd0", "#e0701a"
_CELL = "padding:2px 10px;white-space:nowrap;border:none"
_RULE = "border-bottom:1px solid rgba(128,128,128,.5)"
MUTED = "opacity:.7"
_BAR, _BAR_HEIGHT = 120, 14
"""Pixels of a bar of an interval."""


class Drawn(str):
    """HTML that goes into a table as it is; all other text is escaped."""

    __slots__ = ()


def block(*parts: str) -> str:
    """Return parts one below the other."""
    return f'<div style="margin:2px 0;line-height:1.4">{"".join(parts)}</div>'


def headed(title: str, note: str = "") -> str:
    """Return a line with a title, and a note behind it in paler letters."""
    behind = f' <span style="{MUTED}">{escape(note)}</span>' if note else ""
    return f'<div style="margin:2px 0 4px"><b>{escape(title)}</b>{behind}</div>'


def remark(text: str) -> str:
    """Return a small paler line."""
    return f'<div style="{MUTED};font-size:90%;margin:4px 0">{escape(text)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Return a table.

    Args:
        head: A title for each column; all empty for none.
        rows: Cells as text, or as HTML where they are `Drawn`.
        left: Columns aligned to the left; numbers belong to the right.
    """
    sides = ["left" if column in left else "right" for column in range(len(head))]
    titles = "".join(
        f'<th style="{_CELL};{_RULE};text-align:{side};font-weight:600">{escape(title)}</th>'
        for side, title in zip(sides, head, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, sides)}</tr>" for row in rows)
    top = f"<thead><tr>{titles}</tr></thead>" if any(head) else ""
    return (
        '<table style="border-collapse:collapse;margin:0;font-variant-numeric:tabular-nums">'
        f"{top}<tbody>{body}</tbody></table>"
    )


def _cells(row: Sequence[str], sides: Sequence[str]) -> str:
    shown = (cell if isinstance(cell, Drawn) else escape(cell) for cell in row)
    cells = (f'<td style="{_CELL};text-align:{side}">{cell}</td>' for side, cell in zip(sides, shown, strict=True))
    return "".join(cells)


def field_table(shown: object) -> str:
    """Return the fields of an object as a table, below what the object is."""
    rows = [(name, brief(value)) for name, value in told_fields(shown)]
    about = inspect.getdoc(type(shown)) or ""
    headline = short_repr(shown)
    title = headline[1:-1] if headline.startswith("<") else type(shown).__name__
    return block(headed(title), remark(cut(about.split("\n\n")[0], 200)), table(("", ""), rows, left=(0, 1)))


def interval_bar(
    value: float | int,
    low: float | int,
    high: float | int,
    *,
    limits: tuple[float | int, float | int] = (0.0, 1.0),
    mark: float | int | None = None,
    colour: str = BLUE,
) -> Drawn:
    """Return a bar with a value as a dot, its interval as a line, and a tick for what it is compared with.

    Args:
        value: Where the dot stands.
        low: Where the line begins; there is none without both ends (nan).
        high: Where the line ends.
        limits: Ends of the bar.
        mark: Where the tick stands; None for none.
        colour: Of the dot and the line.
    """
    if value != value:
        return Drawn("")
    middle = _BAR_HEIGHT // 2

    def place(number: float | int) -> str:
        share = (number - limits[0]) / ((limits[1] - limits[0]) or 1.0)
        return f"{4 + (_BAR - 8) * min(max(share, 0.0), 1.0):.1f}"

    ended = low == low and high == high
    line = _line(place(low), place(high), middle, middle, colour, 3, 0.75) if ended else ""
    said = f"{value:.3f}, {low:.3f} to {high:.3f}" if ended else f"{value:.3f}"
    tick = "" if mark is None else _line(place(mark), place(mark), 1, _BAR_HEIGHT - 1, "currentColor", 1.5, 0.7)
    return Drawn(
        f'<svg width="{_BAR}" height="{_BAR_HEIGHT}" style="vertical-align:middle" role="img" '
        f'aria-label="{said}">'
        + _line("4", str(_BAR - 4), middle, middle, "currentColor", 2, 0.15)
        + tick
        + line
        + f'<circle cx="{place(value)}" cy="{middle}" r="3.5" fill="{colour}"/></svg>'
    )


def _line(x1: Any, x2: Any, y1: int, y2: int, colour: str, width: float | int, opacity: float) -> str:
    return (
        f'<line x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}" stroke="{colour}" stroke-width="{width:g}" '
        f'stroke-opacity="{opacity:g}"/>'
    )
