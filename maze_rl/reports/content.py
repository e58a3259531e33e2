"""What a report is made of, before it is written as a page, as Markdown or as JSON.

Numbers are kept beside the text that shows them: a `Statement` is a template with its values, a `Table`
holds raw values, so that whatever is shown is also in the JSON.
"""

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from markupsafe import Markup

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import Estimate, PairedDifference
from maze_rl.strict_json import plain

JsonDict = dict[str, Any]
Value = str | int | float | bool | Estimate | PairedDifference | None


class _Typography(string.Formatter):
    """Writes negative numbers with a true minus sign."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format one value of a template."""
        text = super().format_field(value, format_spec)
        return text.replace("-", "−") if isinstance(value, int | float) else text


@dataclass(frozen=True)
class Statement(Shown):
    """A sentence with the values it states; `template` is for `str.format`."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence as shown."""
        return _Typography().vformat(self.template, (), self.values)

    def __add__(self, other: "Statement") -> "Statement":
        """Join two statements with a space; equal names must mean equal values."""
        clashes = [key for key in self.values.keys() & other.values.keys() if self.values[key] != other.values[key]]
        assert not clashes, f"two statements use {clashes} for different values"
        return Statement(f"{self.template} {other.template}".strip(), {**self.values, **other.values})


NOTHING = Statement("")


@dataclass(frozen=True, kw_only=True)
class Column(Shown):
    """A column of a table."""

    key: str
    title: str
    kind: str = "text"
    """`text`, `count`, `percent` (of a share), `points` (difference of shares), `decimal` (two) or `fine` (four)."""
    about: str = ""
    """What it means, shown on hovering over the title and in the notes below the table."""


@dataclass(frozen=True, kw_only=True)
class Table(Shown):
    """A table of raw values; the first column names the rows."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Value]]
    folded: bool = False
    """Shown only when the reader opens it."""
    shaded: Sequence[bool | None] = ()
    """Rows to tint, those of training sizes; empty for none."""


@dataclass(frozen=True, kw_only=True)
class Picture(Shown):
    """A drawn figure with its reading."""

    name: str
    title: str
    alt: str
    reading: Statement
    svg: Markup
    png: str
    """File name beside the page."""
    narrow: bool = False
    """Takes half the width of the page."""


@dataclass(frozen=True, kw_only=True)
class Listing(Shown):
    """Something to copy: a command, or exact values."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Section(Shown):
    """A titled part of the page."""

    name: str
    title: str
    lead: Statement = NOTHING
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    listings: Sequence[Listing] = ()
    points: Sequence[Statement] = ()
    """A list with dots."""
    run: str | None = None
    """The run it is about, where the report has several."""
    prefix: str = ""
    """What the names of that run's sections and figures begin with, which no other run's do."""


@dataclass(frozen=True, kw_only=True)
class Tile(Shown):
    """One of the few numbers at the top."""

    label: str
    value: Value
    kind: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Report(Shown):
    """A whole report."""

    title: str
    headline: Statement
    tiles: Sequence[Tile]
    setup: Table
    sections: Sequence[Section]


def number_text(value: float | int, kind: str) -> str:
    """Write a number of one `Column.kind`, e.g. ``(0.934, "percent")`` -> ``93.4``."""
    if not math.isfinite(value):
        return "–"
    # z: what is written as nothing has no minus sign
    scaled = {
        "percent": f"{100 * value:z.1f}",
        "points": f"{100 * value:+z.1f}",
        "decimal": f"{value:z.2f}",
        "fine": f"{value:z.4f}",
        "count": f"{value:z,.0f}",
    }.get(kind, str(value))
    return scaled.replace("-", "−")


def value_text(value: Value, kind: str) -> str:
    """Write a table's value without its interval; ``–`` where there is none."""
    if isinstance(value, Estimate | PairedDifference):
        return number_text(value.value, kind)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else number_text(value, kind)


def interval_text(value: Value, kind: str) -> str:
    """Write the 95 % interval of a table's value; empty where it has none, or only one end."""
    if not isinstance(value, Estimate | PairedDifference) or not all(
        map(math.isfinite, (value.value, value.low, value.high))
    ):
        return ""
    between = " to " if kind == "points" or value.low < 0 else "–"
    return number_text(value.low, kind) + between + number_text(value.high, kind)


def report_json(report: Report) -> JsonDict:
    """Return everything the report shows as JSON values, drawings left out."""
    return {
        "title": report.title,
        "headline": _statement_json(report.headline),
        "tiles": plain([asdict(tile) for tile in report.tiles]),
        "setup": _table_json(report.setup),
        "sections": [_section_json(section) for section in report.sections],
    }


def _section_json(section: Section) -> JsonDict:
    return {
        "name": section.name,
        "title": section.title,
        "run": section.run,
        "lead": _statement_json(section.lead),
        "figures": [
            {
                "name": each.name,
                "title": each.title,
                "alt": each.alt,
                "file": each.png,
                "reading": _statement_json(each.reading),
            }
            for each in section.pictures
        ],
        "tables": [_table_json(table) for table in section.tables],
        "listings": plain(list(section.listings)),
        "points": [_statement_json(point) for point in section.points],
    }


def _statement_json(statement: Statement) -> JsonDict:
    return {"text": statement.text, "values": plain(statement.values)}


def _table_json(table: Table) -> JsonDict:
    columns = [{"key": each.key, "title": each.title, "kind": each.kind, "about": each.about} for each in table.columns]
    return {"name": table.name, "caption": table.caption, "columns": columns, "rows": plain(list(table.rows))}
