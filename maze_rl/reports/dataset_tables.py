"""Tables of a dataset's page: what it is, path lengths, choices, numbers of paths, duplicates."""

from collections.abc import Callable, Sequence
from typing import Any

from maze_rl.configs.endpoints import endpoints_from
from maze_rl.mazes.measures import MOST_PATHS
from maze_rl.mazes.summary import GridSummary
from maze_rl.reports.content import Column, Table, Value
from maze_rl.reports.dataset_account import DatasetAccount, acceptance_text, all_grids, options_text

_FOLDED_ABOVE = 24
"""Rows of the longest table that is shown open."""


def facts_table(accounts: Sequence[DatasetAccount]) -> Table:
    """Say what each dataset is: one column per dataset."""
    facts = [_facts(account) for account in accounts]
    columns = [Column(key="fact", title="")]
    columns += [Column(key=f"dataset_{index}", title=account.name) for index, account in enumerate(accounts)]
    rows = [
        {"fact": name} | {f"dataset_{index}": own[name] for index, own in enumerate(facts)}
        for name in facts[0]
        if any(own[name] is not None for own in facts)
    ]
    return Table(name="facts", caption="What the datasets are", columns=columns, rows=rows)


def _facts(account: DatasetAccount) -> dict[str, str | None]:
    card, spec = account.card, account.spec
    first, num = card.get("first") or 0, account.summary.num
    splits, split = card.get("splits"), spec.get("split")
    outside = None if split is None else account.summary.num - account.summary.buckets[split]
    return {
        "algorithm": account.algorithm,
        "options": options_text(spec),
        "endpoints": endpoints_from(spec["endpoints"]).wish if spec.get("endpoints") else None,
        "sizes": account.sizes,
        "seed": _text(card.get("seed")),
        "indices": f"{first:,} to {first + num - 1:,}" if "seed" in card else None,
        "split": split or ("all mazes" if spec else None),  # without a specification nobody says which
        "splits": ", ".join(f"{name} {count:,}" for name, count in splits.items()) if splits else None,
        "leaks": _text(card.get("leaks")),
        "outside split": None if outside is None else f"{outside:,} mazes, counted by their walls",
        "acceptance": acceptance_text(card.get("attempts")),
        "content": _text(card.get("content")),
        "folder": account.folder,
    }


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, float):
        return f"{value:.4g}"
    return None if value is None else f"{value:,}" if isinstance(value, int) and abs(value) >= 100_000 else str(value)


def grid_table(
    accounts: Sequence[DatasetAccount],
    name: str,
    caption: str,
    columns: Sequence[Column],
    values: Callable[[GridSummary], dict[str, Value]],
    shown: Callable[[DatasetAccount], bool] = lambda account: True,
) -> Table:
    """Build a table with a row per grid size and dataset, of the datasets that are `shown`."""
    leading = [Column(key="size", title="size")]
    if len(accounts) > 1:
        leading.append(Column(key="dataset", title="dataset"))
    rows = [
        {"size": grid.name, "dataset": account.name} | values(grid)
        for shape in all_grids(accounts)
        for account in filter(shown, accounts)
        for grid in account.summary.grids
        if (grid.rows, grid.cols) == shape
    ]
    return Table(name=name, caption=caption, columns=[*leading, *columns], rows=rows, folded=len(rows) > _FOLDED_ABOVE)


def length_table(accounts: Sequence[DatasetAccount]) -> Table:
    """Tabulate path lengths and detours."""
    columns = [
        Column(key="num", title="mazes", kind="count"),
        Column(key="least", title="shortest", kind="count"),
        Column(key="lower", title="lower quartile", kind="count"),
        Column(key="median", title="median", kind="count"),
        Column(key="upper", title="upper quartile", kind="count"),
        Column(key="most", title="longest", kind="count"),
        Column(key="mean", title="mean", kind="decimal"),
        Column(key="detour", title="detour", kind="decimal", about="median of path length over Manhattan distance"),
        Column(key="detour_upper", title="its upper quartile", kind="decimal"),
    ]

    def values(grid: GridSummary) -> dict[str, Value]:
        statistics = grid.statistics
        spread = {
            key: getattr(statistics.distance, key) for key in ("least", "lower", "median", "upper", "most", "mean")
        }
        detour = statistics.detour
        return {"num": statistics.num, **spread, "detour": detour.median, "detour_upper": detour.upper}

    return grid_table(accounts, "lengths", "Path lengths in steps, by size", columns, values)


def choice_table(accounts: Sequence[DatasetAccount]) -> Table:
    """Tabulate choices along the path, forks, dead ends and loops."""
    columns = [
        Column(
            key="decisions",
            title="decisions",
            kind="count",
            about="positions of a shortest path with more than one way on besides turning back, median",
        ),
        Column(key="lower", title="lower quartile", kind="count"),
        Column(key="upper", title="upper quartile", kind="count"),
        Column(key="per_step", title="% of steps", kind="percent", about="decisions per step, over all mazes"),
        Column(key="forks", title="forks", kind="decimal", about="cells with three or four ways, mean"),
        Column(key="forks_share", title="% of cells", kind="percent"),
        Column(key="dead_ends", title="dead ends", kind="decimal", about="cells with one way, mean"),
        Column(key="dead_ends_share", title="% of cells", kind="percent"),
        Column(key="loops", title="loops", kind="decimal", about="independent cycles, mean; a tree has none"),
        Column(key="reached", title="connected, %", kind="percent", about="cells from which the target can be reached"),
    ]

    def values(grid: GridSummary) -> dict[str, Value]:
        each = grid.statistics
        cells = grid.rows * grid.cols
        return {
            "decisions": each.decisions.median,
            "lower": each.decisions.lower,
            "upper": each.decisions.upper,
            "per_step": each.decisions.mean / each.distance.mean if each.distance.mean else None,
            "forks": each.forks.mean,
            "forks_share": each.forks.mean / cells,
            "dead_ends": each.dead_ends.mean,
            "dead_ends_share": each.dead_ends.mean / cells,
            "loops": each.loops.mean,
            "reached": each.num_reached / each.num_cells,
        }

    return grid_table(accounts, "choices", "Choices, forks, dead ends and loops, by size", columns, values)


def path_count_table(accounts: Sequence[DatasetAccount]) -> Table:
    """Tabulate how many shortest paths mazes have, for the datasets where some have several."""
    columns = [
        Column(key="several", title="several, %", kind="percent", about="mazes with more than one shortest path"),
        Column(key="num_several", title="mazes", kind="count"),
        Column(key="median", title="median", kind="count"),
        Column(key="upper", title="upper quartile", kind="count"),
        Column(key="most", title="most", kind="count"),
    ]

    def values(grid: GridSummary) -> dict[str, Value]:
        counts, each = grid.statistics.path_count, grid.statistics
        numbers: dict[str, Value] = {key: path_count_text(getattr(counts, key)) for key in ("median", "upper", "most")}
        return {"several": each.share_several, "num_several": each.num_several, **numbers}

    return grid_table(
        accounts,
        "path-counts",
        "Numbers of shortest paths, by size",
        columns,
        values,
        shown=lambda account: account.summary.whole.num_several > 0,
    )


def path_count_text(count: int | float) -> str:
    """Write a number of shortest paths, in powers of ten where it is long."""
    if count >= MOST_PATHS:
        return "2^62 or more"
    return f"{count:,.0f}" if count < 10**9 else f"{count:.1e}"


def duplicate_table(accounts: Sequence[DatasetAccount]) -> Table:
    """Tabulate how many mazes have walls of their own."""
    columns = [
        Column(key="num", title="mazes", kind="count"),
        Column(key="distinct", title="different walls", kind="count", about="up to the 8 rotations and reflections"),
        Column(key="duplicates", title="duplicates, %", kind="percent", about="mazes whose walls occurred before"),
    ]

    def values(grid: GridSummary) -> dict[str, Value]:
        each = grid.statistics
        return {"num": each.num, "distinct": each.num_distinct, "duplicates": each.share_duplicates}

    return grid_table(accounts, "duplicates", "Duplicates, by size", columns, values)
