"""What is known about one dataset of mazes when its page is written, and how its parts are called there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from maze_rl.configs.ranges import format_range
from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.generate import Attempts
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.summary import DatasetSummary, GridSummary
from maze_rl.reports.setting_words import value_words

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetAccount(Shown):
    """A dataset, counted and read."""

    name: str
    """What it is called on the page; unique on it."""
    folder: str
    card: Mapping[str, Any]
    """What the folder says of itself: `spec`, `seed`, `first`, `splits`, `content`, `leaks`, ...; any may be absent."""
    summary: DatasetSummary
    examples: Mapping[tuple[int, int], Sequence[tuple[str, Maze]]]
    """(rows, cols) -> (rule, maze) of the mazes to draw."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """The specification of the mazes; empty where the folder has none."""
        return self.card.get("spec") or {}

    @property
    def algorithm(self) -> str:
        """Name of the generator."""
        return str(self.spec.get("algorithm", "unknown algorithm"))

    @property
    def sizes(self) -> str:
        """The grid sizes that occur: ``5..9``, or ``4×12, 6×6``."""
        grids = self.summary.grids
        if all(grid.rows == grid.cols for grid in grids):
            return format_range(tuple(grid.rows for grid in grids))
        return ", ".join(grid.name for grid in grids)


def options_text(spec: Mapping[str, Any]) -> str | None:
    """Write the options of a specification's algorithm; None where there is none."""
    options = spec.get("options", {}).items()
    return ", ".join(f"{name} {value_words(value)}" for name, value in options) or None


def acceptance_text(attempts: Mapping[str, int] | None) -> str | None:
    """Write what share of the mazes and pairs that were tried met the constraints; None where all did."""
    found = Attempts(**attempts) if attempts else Attempts()
    if found.accepted == found.pairs == found.carved:
        return None
    return f"{found.acceptance:.1%} of the mazes of its split, {found.pair_acceptance:.1%} of the pairs drawn"


def grid_label(grid: GridSummary) -> str:
    """Write a grid size on an axis: ``9``, or ``4×12`` where it is no square."""
    return str(grid.rows) if grid.rows == grid.cols else grid.name


def all_grids(accounts: Sequence[DatasetAccount]) -> list[tuple[int, int]]:
    """List the (rows, cols) that occur in any of `accounts`, in order of the number of cells."""
    shapes = {(grid.rows, grid.cols) for account in accounts for grid in account.summary.grids}
    return sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape))


def spread_evenly(items: Sequence[Item], most: int) -> list[Item]:
    """Choose up to `most` of `items`, the first and the last among them, spread evenly."""
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]
