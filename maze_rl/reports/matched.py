"""Matched comparisons: one thing about the mazes differs, what is confounded with it is held equal.

Larger mazes have longer paths, and mazes with more open edges shorter ones. So rates are compared within strata:
larger sizes at equal path length, longer paths at equal size, mazes of another algorithm at equal size and length. The
difference is the mean over strata with the weights of Mantel and Haenszel, n1 n2 / (n1 + n2). The mazes of the two
sides differ, so the interval is of independent rates: the distances from each rate to the ends of its interval,
weighted, squared and added (Newcombe 1998, method 10).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import Estimate, EvaluationResult, GridCell
from maze_rl.reports.content import NOTHING, Column, Statement, Table
from maze_rl.reports.pooling import pool

FEWEST_MATCHED = 10
"""Mazes that both sides of a stratum must have."""
MORE_EDGES = ("dfs", "dfs_percolation")
"""The second makes the mazes of the first and opens further edges."""


@dataclass(frozen=True, kw_only=True)
class Matched(Shown):
    """One comparison, over all strata that hold enough mazes of both sides."""

    what: str
    """What the second side has more of, or what it is."""
    equal: str
    """What both sides share."""
    first: Estimate
    second: Estimate
    """Rates of shortest paths of all mazes that were compared, not weighted."""
    difference: Estimate
    """Second minus first, in shares; `num` counts the mazes of both sides."""
    strata: int


def matched_comparisons(evaluation: EvaluationResult) -> list[Matched]:
    """Return every comparison that the evaluation has mazes for."""
    found = [larger_size(evaluation), longer_path(evaluation), *other_algorithms(evaluation)]
    return [each for each in found if each is not None]


def larger_size(evaluation: EvaluationResult) -> Matched | None:
    """Compare sizes not trained on, larger than all that were, with trained ones at equal path length."""
    trained = evaluation.training_sizes
    inside = [cell for cell in evaluation.grid if cell.size in trained]
    beyond = [cell for cell in evaluation.grid if trained and cell.size > max(trained)]
    lengths = sorted({cell.low for cell in evaluation.grid})
    strata = [(_pooled(inside, low), _pooled(beyond, low)) for low in lengths]
    return _compare("larger than any size trained on", "path length", strata)


def longer_path(evaluation: EvaluationResult) -> Matched | None:
    """Compare the longer half of the bins of path length with the shorter half, at every size."""
    strata = []
    for size in sorted({cell.size for cell in evaluation.grid}):
        cells = [cell for cell in evaluation.grid if cell.size == size and cell.shortest.num >= FEWEST_MATCHED]
        half = len(cells) // 2
        if half:
            strata.append((_all(cells[:half]), _all(cells[-half:])))
    return _compare("longer paths (upper half of the bins)", "size", strata)


def other_algorithms(evaluation: EvaluationResult) -> list[Matched]:
    """Compare mazes of every other algorithm with the evaluation's own at equal size and path length."""
    found = []
    for name in dict.fromkeys(row.algorithm for row in evaluation.by_algorithm):
        theirs = [cell for row in evaluation.by_algorithm if row.algorithm == name for cell in row.by_length]
        if name == evaluation.algorithm:
            continue
        strata = [(_same(evaluation.grid, cell), cell.shortest) for cell in theirs]
        more = " (more edges)" if (evaluation.algorithm, name) == MORE_EDGES else ""
        found.append(_compare(f"mazes of {name}{more}", "size and path length", strata))
    return [each for each in found if each is not None]


def matched_table(found: Sequence[Matched]) -> Table:
    """Tabulate the comparisons."""
    columns = (
        Column(key="what", title="mazes that are"),
        Column(key="equal", title="at equal"),
        Column(key="num", title="mazes", kind="count", about="of both sides, in strata with 10 or more of each"),
        Column(key="first", title="others, %", kind="percent", about="rate of shortest paths of what is compared with"),
        Column(key="second", title="these, %", kind="percent"),
        Column(key="difference", title="difference, points", kind="points", about="these minus others, within strata"),
    )
    rows = [
        {
            "what": each.what,
            "equal": each.equal,
            "num": each.difference.num,
            "first": each.first,
            "second": each.second,
            "difference": each.difference,
        }
        for each in found
    ]
    caption = (
        "Matched comparisons: shortest paths where one thing differs and another is held equal. Small type: 95% "
        "interval. The two rates are of all mazes compared; the difference is a mean over the strata."
    )
    return Table(name="matched", caption=caption, columns=columns, rows=rows)


def matched_reading(found: Sequence[Matched]) -> Statement:
    """State every difference, and whether its interval leaves out no difference."""
    said = NOTHING
    for place, each in enumerate(found):
        difference, name = each.difference, f"matched_{place}"
        verdict = "shown" if difference.low > 0 or difference.high < 0 else "no difference shown"
        said += Statement(
            f"{each.what[0].upper()}{each.what[1:]} at equal {each.equal}: "
            f"{{{name}:+.1f}} points ({{{name}_low:+.1f}} to {{{name}_high:+.1f}}; {verdict}).",
            {
                name: 100 * difference.value,
                f"{name}_low": 100 * difference.low,
                f"{name}_high": 100 * difference.high,
            },
        )
    return said


def _pooled(cells: Iterable[GridCell], low: int) -> Estimate | None:
    return pool([cell.shortest for cell in cells if cell.low == low])


def _all(cells: Iterable[GridCell]) -> Estimate | None:
    return pool([cell.shortest for cell in cells])


def _same(cells: Iterable[GridCell], wanted: GridCell) -> Estimate | None:
    return pool([cell.shortest for cell in cells if (cell.size, cell.low) == (wanted.size, wanted.low)])


def _compare(what: str, equal: str, strata: Iterable[tuple[Estimate | None, Estimate | None]]) -> Matched | None:
    """Return the weighted difference over the strata that have enough mazes on both sides; None without any."""
    pairs = [
        (first, second)
        for first, second in strata
        if first is not None and second is not None and min(first.num, second.num) >= FEWEST_MATCHED
    ]
    firsts, seconds = pool([first for first, _ in pairs]), pool([second for _, second in pairs])
    if firsts is None or seconds is None:
        return None
    weights = [first.num * second.num / (first.num + second.num) for first, second in pairs]
    shares = [weight / sum(weights) for weight in weights]
    value = below = above = 0.0
    for share, (first, second) in zip(shares, pairs, strict=True):
        value += share * (second.value - first.value)
        below += share**2 * ((second.value - second.low) ** 2 + (first.high - first.value) ** 2)
        above += share**2 * ((second.high - second.value) ** 2 + (first.value - first.low) ** 2)
    return Matched(
        what=what,
        equal=equal,
        first=firsts,
        second=seconds,
        difference=Estimate(value=value, low=value - below**0.5, high=value + above**0.5, num=firsts.num + seconds.num),
        strata=len(pairs),
    )
