"""Tables for people."""

import warnings
from typing import TYPE_CHECKING, Any

from maze_rl.errors import Caution
from maze_rl.evaluation.result_table import cells, head, notes, title
from maze_rl.evaluation.results import FEWEST_LAYOUTS, EvaluationResult

if TYPE_CHECKING:
    from maze_rl.reports.search.search_result import JudgedResult


def warn_of_few_layouts(result: EvaluationResult) -> None:
    """Warn of sizes whose mazes have few different walls, however many mazes there are."""
    few = [f"{row.size} ({row.num:,} mazes, {row.layouts:,} layouts)" for row in result.rows if row.few_layouts]
    if few:
        warnings.warn(
            f"fewer than {FEWEST_LAYOUTS} layouts (walls up to rotation and reflection) at size {', '.join(few)}: "
            "rates there say little of other mazes; take larger sizes, or more mazes where they do not repeat.",
            Caution,
            stacklevel=2,
        )


def warn_of_few_search_layouts(result: "JudgedResult") -> None:
    """Warn of sets of mazes of a search with few different walls, however many mazes there are."""
    from maze_rl.reports.search.layout_counts import layout_counts

    few = [f"{each.name} ({each.text})" for each in layout_counts(result).values() if each.few]
    if few:
        warnings.warn(
            f"fewer than {FEWEST_LAYOUTS} layouts (walls up to rotation and reflection) for {', '.join(few)}: scores "
            "there say little of other mazes; take larger sizes, or more mazes where they do not repeat.",
            Caution,
            stacklevel=2,
        )


def print_evaluation(result: EvaluationResult) -> None:
    """Print one line per size: rates with 95 % intervals over layouts, beside the baselines."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title(result)), box=box.SIMPLE, padding=0)  # fits 80 columns
    for name in head(result):
        table.add_column(name, justify="right", no_wrap=True)
    for row in cells(result):
        table.add_row(*row)
    console = Console()
    console.print(table)
    for note in notes(result):
        console.print(note, markup=False)


def print_bench(rows: list[dict[str, Any]], missing: list[str]) -> None:
    """Print the rows of the bench."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="ratios measured in one run, interleaved, medians")
    for name in ("what", "against", "ratio", "target", "holds"):
        table.add_column(name, justify="left" if name in ("what", "against") else "right")
    for row in rows:
        target = "reported" if row["target"] is None else row["target_text"]
        holds = "" if row["holds"] is None else ("yes" if row["holds"] else "NO")
        table.add_row(row["name"], row["against"], row["ratio_text"], target, holds)
    console = Console()
    console.print(table)
    for name in missing:
        console.print(f"not measured, {name} is missing: pip install -c constraints.txt -e '.[peers]'", markup=False)


def print_selftest(values: dict[str, Any]) -> None:
    """Print the confusion matrix: what each score says of each row, whether it should, and how often it errs."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    columns = list(values["rows"][0]["cells"])
    table = Table(title="instances a score says yes of; ?: undecided, !: not what is known", box=box.SIMPLE)
    table.add_column("model", no_wrap=True)
    table.add_column("what it does")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for row in values["rows"]:
        table.add_row(row["name"], row["about"], *(_verdict_cell(row["cells"][name]) for name in columns))
    table.add_section()
    for kind, about in (("false_yes", "says what is not there"), ("missed", "undecided, or less than is known")):
        table.add_row("errors", about, *(_error_cell(values["rates"][name][kind]) for name in columns))
    console = Console()
    console.print(table)
    scores = ["not measured" if one["score"] != one["score"] else f"{one['score']:.2f}" for one in values["graded"]]
    graded = ", ".join(
        f"{100 * one['cut']:.0f} %: {score}" for one, score in zip(values["graded"], scores, strict=True)
    )
    falls = "falls at every step" if values["falls"] else "DOES NOT FALL at every step"
    console.print(f"N5, mean of S1, S2, S3 and S5 by the share of the wave that is cut: {graded}; it {falls}.")
    if values["holds"]:
        console.print("Nothing is said that is not there, and little is missed: the self-test holds.")
    else:
        console.print("THE SELF-TEST DOES NOT HOLD: trust no score that is wrong above.")


def _verdict_cell(cell: dict[str, Any]) -> str:
    if not cell["num"]:
        return "–"
    said = sum(cell["says"].get(word, 0) for word in ("yes", "searches"))
    return f"{said}/{cell['num']}{'?' * bool(cell['undecided'])}{'!' * bool(cell['wrong'])}"


def _error_cell(rate: dict[str, Any]) -> str:
    return f"{rate['count']}/{rate['num']}" if rate["num"] else "–"
