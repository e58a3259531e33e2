"""Tables of single steps by distance, of success by loops and by algorithm, and of look-ahead by size."""

from collections.abc import Sequence

from maze_rl.evaluation.results import AlgorithmRow, EvaluationResult, LookAheadRow, LoopRow
from maze_rl.reports.content import Column, Table
from maze_rl.reports.success_tables import span


def step_table(evaluation: EvaluationResult) -> Table:
    """Tabulate the share of single steps that are right by size and distance to the target."""
    trained = {row.size: row.in_training_range for row in evaluation.rows}
    columns = (
        Column(key="size", title="size", kind="count", about="cells per side"),
        Column(key="steps", title="steps", about="distance from the cell to the target"),
        Column(key="cells", title="cells", kind="count", about="cells a step was asked from"),
        Column(key="mazes", title="mazes", kind="count"),
        Column(key="accuracy", title="right, %", kind="percent", about="most likely step is on a shortest path"),
    )
    rows = [
        {
            "size": row.size,
            "steps": span(row.low, row.high),
            "cells": row.accuracy.num,
            "mazes": row.mazes,
            "accuracy": row.accuracy,
        }
        for row in evaluation.steps_by_distance
    ]
    return Table(
        name="steps",
        caption="Single steps from random cells, by size and distance to the target.",
        columns=columns,
        rows=rows,
        folded=True,
        shaded=[trained.get(row.size, False) for row in evaluation.steps_by_distance],
    )


def loop_table(rows: Sequence[LoopRow]) -> Table:
    """Tabulate the rate of shortest paths by number of loops, one column for each size."""
    sizes = sorted({row.size for row in rows})
    new = {row.size for row in rows if row.in_training_range is False}
    columns = [
        Column(key="loops", title="loops", kind="count", about="times the block of layers is applied"),
        Column(key="kept", title="as kept", about="whether the model is kept with so many"),
        Column(key="num", title="mazes", kind="count", about="of each size"),
        *(_size_column(size, size in new) for size in sizes),
    ]
    table = []
    for loops in sorted({row.loops for row in rows}):
        here = [row for row in rows if row.loops == loops]
        values = {f"size_{row.size}": row.shortest for row in here}
        table.append({"loops": loops, "kept": here[0].as_kept, "num": here[0].shortest.num} | _filled(values, sizes))
    return Table(
        name="loops",
        caption="Shortest paths by number of loops, %. New: a size it never trained on.",
        columns=columns,
        rows=table,
        folded=True,
        shaded=[row["kept"] for row in table],
    )


def algorithm_table(rows: Sequence[AlgorithmRow]) -> Table:
    """Tabulate the rate of shortest paths of the model and of Manhattan greedy by algorithm, a column for each size."""
    sizes = sorted({row.size for row in rows})
    new = {row.size for row in rows if row.in_training_range is False}
    columns = [
        Column(key="algorithm", title="mazes of"),
        Column(key="trained", title="trained", about="whether training mazes were like this"),
        Column(key="walker", title="walked by"),
        Column(key="num", title="mazes", kind="count", about="of each size"),
        *(_size_column(size, size in new) for size in sizes),
    ]
    table, shaded = [], []
    for name in dict.fromkeys(row.algorithm for row in rows):
        here = [row for row in rows if row.algorithm == name]
        for walker, key in (("model", "shortest"), ("Manhattan greedy", "manhattan")):
            values = {f"size_{row.size}": getattr(row, key) for row in here}
            first = {"algorithm": name, "trained": here[0].trained_on, "walker": walker}
            table.append(first | {"num": here[0].shortest.num} | _filled(values, sizes))
            shaded.append(here[0].trained_on)
    return Table(
        name="algorithms",
        caption="Shortest paths by algorithm of the mazes, %. Small type: 95% interval over layouts. New: a size it "
        "never trained on.",
        columns=columns,
        rows=table,
        shaded=shaded,
    )


def look_ahead_table(rows: Sequence[LookAheadRow]) -> Table:
    """Tabulate the effective look-ahead by size."""
    columns = (
        Column(key="size", title="size", kind="count", about="cells per side"),
        Column(key="trained", title="trained"),
        Column(key="forks", title="forks", kind="count", about="decisions on shortest paths with several ways on"),
        Column(key="most", title="most steps", kind="count", about="most look-ahead that one of these forks asks for"),
        Column(key="where", title="rate", about="whether it falls among those steps, or is high or low throughout"),
        Column(key="look_ahead", title="look-ahead, steps", kind="decimal", about="where it falls half-way to a guess"),
        Column(key="steps_seen", title="steps seen", kind="decimal", about="area under the rate above chance"),
    )
    words = {"within": "falls", "above": "high", "below": "low", "greedy": "as Manhattan greedy"}
    return Table(
        name="look_ahead",
        caption="Effective look-ahead at forks, by size. Small type: 95% interval over layouts.",
        columns=columns,
        rows=[
            {
                "size": row.size,
                "trained": row.in_training_range,
                "forks": row.forks,
                "most": row.most,
                "where": words[row.where],
                "look_ahead": row.look_ahead,
                "steps_seen": row.steps_seen,
            }
            for row in rows
        ],
        shaded=[row.in_training_range for row in rows],
    )


def _size_column(size: int, new: bool) -> Column:
    # what "new" means stands in the captions, once
    return Column(key=f"size_{size}", title=f"{size} × {size}{', new' if new else ''}", kind="percent")


def _filled(values: dict, sizes: Sequence[int]) -> dict:
    """Return the values of a row with None for sizes that were not tested."""
    return {f"size_{size}": values.get(f"size_{size}") for size in sizes}
