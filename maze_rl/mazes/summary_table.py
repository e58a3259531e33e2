"""The summary of a dataset as a table for notebooks: one line per grid size."""

from typing import TYPE_CHECKING

from maze_rl.displays.notebook_html import block, headed, remark, table

if TYPE_CHECKING:
    from maze_rl.mazes.summary import DatasetSummary, Statistics

_HEAD = (
    "size",
    "mazes",
    "path, median",
    "middle half",
    "longest",
    "detour",
    "choices",
    "dead ends",
    "several",
    "copies",
)
_EXPLAINED = (
    "path: steps of the shortest path, median; detour: that over Manhattan distance, median; choices: positions with "
    "more than one way on, mean; several: mazes with several shortest paths; copies: mazes whose walls occurred "
    "before, as they are, rotated or mirrored."
)


def summary_html(summary: "DatasetSummary") -> str:
    """Return a table of what the mazes of each size are like."""
    rows = [_cells(grid.name, grid.statistics) for grid in summary.grids]
    if len(rows) > 1:
        rows.append(_cells("all", summary.whole))
    splits = ", ".join(f"{number:,} {name}" for name, number in summary.buckets.items())
    return block(headed(f"{summary.num:,} mazes", splits), table(_HEAD, rows), remark(_EXPLAINED))


def _cells(name: str, each: "Statistics") -> tuple[str, ...]:
    length = each.distance
    return (
        name,
        f"{each.num:,}",
        f"{length.median}",
        f"{length.lower} to {length.upper}",
        f"{length.most}",
        f"{each.detour.median:.2f}",
        f"{each.decisions.mean:.1f}",
        f"{each.dead_ends.mean:.1f}",
        f"{each.share_several:.1%}",
        f"{each.share_duplicates:.1%}",
    )
