"""Writes the page of a dataset, or of several side by side: one HTML file that needs no other, and its JSON.

The page has the look of the generalization report and is made of the same parts.
"""

import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from maze_rl.reports.content import NOTHING, Listing, Picture, Report, Section, Statement, Tile, report_json
from maze_rl.reports.dataset_account import DatasetAccount
from maze_rl.reports.dataset_figures import example_gallery, length_ridges, path_count_shares, spread_by_grid
from maze_rl.reports.dataset_readings import (
    choices_reading,
    duplicates_reading,
    headline,
    lengths_reading,
    path_count_reading,
)
from maze_rl.reports.dataset_tables import (
    choice_table,
    duplicate_table,
    facts_table,
    length_table,
    path_count_table,
)
from maze_rl.reports.generalization_report import render_page
from maze_rl.reports.vector_graphics import figure_style, inline_svg
from maze_rl.strict_json import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SPREAD = "Line: 90% of the mazes; bar: the middle half; dot: the median."


def write_dataset_page(accounts: Sequence[DatasetAccount], page: str | PathLike[str]) -> Path:
    """Write the page on `accounts` to `page`, and what it shows beside it as ``.json``; return `page`."""
    page = Path(page)
    page.parent.mkdir(parents=True, exist_ok=True)
    report = build_dataset_report(accounts)
    values = report_json(report) | {"datasets": [account_json(account) for account in accounts]}
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    page.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    page.write_text(render_page(report, "dataset.html.jinja"), encoding="utf-8")
    return page


def account_json(account: DatasetAccount) -> dict[str, object]:
    """Return all that is known about a dataset as JSON values."""
    return {
        "name": account.name,
        "folder": account.folder,
        "card": plain(account.card),
        "summary": account.summary.to_json(),
    }


def build_dataset_report(accounts: Sequence[DatasetAccount]) -> Report:
    """Put the page on `accounts` together."""
    with figure_style():
        sections = [_lengths(accounts), _choices(accounts), _path_counts(accounts), _examples(accounts)]
    sections += [_duplicates(accounts), _loading(accounts)]
    several = len(accounts) > 1
    return Report(
        title=f"{len(accounts)} datasets side by side" if several else accounts[0].name,
        headline=headline(accounts),
        tiles=() if several else _tiles(accounts[0]),
        setup=facts_table(accounts),
        sections=sections,
    )


def _tiles(account: DatasetAccount) -> list[Tile]:
    whole = account.summary.whole
    return [
        Tile(label="mazes", value=whole.num, kind="count", note=f"of size {account.sizes}"),
        Tile(label="median shortest path", value=whole.distance.median, kind="count", note="steps"),
        Tile(label="several shortest paths", value=whole.share_several, kind="percent", note="of mazes"),
        Tile(label="duplicates", value=whole.share_duplicates, kind="percent", note="of mazes, up to symmetry"),
    ]


def _picture(
    figure: "Figure", name: str, title: str, alt: str, reading: Statement = NOTHING, narrow: bool = False
) -> Picture:
    svg = inline_svg(figure, name, f"{title}. {alt}")
    return Picture(name=name, title=title, alt=alt, reading=reading, svg=svg, png="", narrow=narrow)


def _lengths(accounts: Sequence[DatasetAccount]) -> Section:
    by_size = spread_by_grid(accounts, lambda each: each.distance, "steps")
    detour = spread_by_grid(accounts, lambda each: each.detour, "path length / Manhattan distance", from_zero=False)
    return Section(
        name="lengths",
        title="Path length",
        lead=lengths_reading(accounts),
        pictures=[
            _picture(by_size, "length-by-size", "Length by size", _SPREAD, Statement(_SPREAD), narrow=True),
            _picture(
                detour,
                "detour-by-size",
                "Detour by size",
                _SPREAD,
                Statement("1: the path is as short as without walls."),
                narrow=True,
            ),
            _picture(
                length_ridges(accounts),
                "length-distribution",
                "Distribution of lengths",
                "One histogram per size.",
                Statement("Each outline has its own height; ticks below: medians."),
            ),
        ],
        tables=[length_table(accounts)],
    )


def _choices(accounts: Sequence[DatasetAccount]) -> Section:
    decisions = spread_by_grid(accounts, lambda each: each.decisions, "decisions on the shortest path")
    dead_ends = spread_by_grid(accounts, lambda each: each.dead_ends, "dead ends in the maze")
    return Section(
        name="choices",
        title="Choices and dead ends",
        lead=choices_reading(accounts),
        pictures=[
            _picture(decisions, "decisions", "Decisions on the path", _SPREAD, narrow=True),
            _picture(dead_ends, "dead-ends", "Dead ends", _SPREAD, narrow=True),
        ],
        tables=[choice_table(accounts)],
    )


def _path_counts(accounts: Sequence[DatasetAccount]) -> Section:
    if not any(account.summary.whole.num_several for account in accounts):
        return Section(name="path-counts", title="Number of shortest paths", lead=path_count_reading(accounts))
    figure = path_count_shares(accounts)
    alt = "Stacked bars by size: mazes with one, 2, 3 to 4, 5 to 8, 9 to 16 and more shortest paths."
    return Section(
        name="path-counts",
        title="Number of shortest paths",
        lead=path_count_reading(accounts),
        pictures=[_picture(figure, "path-count-shares", "Mazes by number of shortest paths", alt)],
        tables=[path_count_table(accounts)],
    )


def _examples(accounts: Sequence[DatasetAccount]) -> Section:
    pictures = [
        _picture(example_gallery(account), f"examples-{index}", account.name, "Mazes with a shortest path each.")
        for index, account in enumerate(accounts)
        if account.examples
    ]
    rule = Statement(
        "Of a size, the first maze with the shortest, the median and the longest path; its steps stand above it. "
        "Ring: origin; square: target; line: one shortest path."
    )
    none = Statement("The mazes are too large to be drawn here; `maze-rl show` draws one.")
    return Section(name="examples", title="Examples", lead=rule if pictures else none, pictures=pictures)


def _duplicates(accounts: Sequence[DatasetAccount]) -> Section:
    return Section(
        name="duplicates",
        title="Duplicates and splits",
        lead=duplicates_reading(accounts),
        tables=[duplicate_table(accounts)],
    )


def _loading(accounts: Sequence[DatasetAccount]) -> Section:
    python = ["import datasets", ""]
    python += [f"mazes = datasets.load_from_disk({account.folder!r})" for account in accounts]
    connections = (
        "import numpy as np\n\nrow = mazes[0]\nsize = 2 * row['rows'] * row['cols']\n"
        "bits = np.unpackbits(np.frombuffer(row['connections'], np.uint8), count=size)\n"
        "connections = bits.astype(bool).reshape(2, row['rows'], row['cols'])"
    )
    about = Statement(
        "connections[0, r, c]: cell (r, c) is open to the cell below; connections[1, r, c]: to the cell on its right."
    )
    return Section(
        name="loading",
        title="How to load it",
        lead=about,
        listings=[
            Listing(title="With Hugging Face datasets", text="\n".join(python)),
            Listing(title="The walls of a maze as an array", text=connections),
        ],
    )
