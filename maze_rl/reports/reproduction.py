"""How to make a report again: commands, seeds, versions, revision, digest of the test mazes, leak count."""

import shlex
from collections.abc import Sequence

from maze_rl.configs.ranges import format_range
from maze_rl.reports.content import Listing, Section, Statement
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.run_tables import configuration_table


def reproduction_section(run: RunSummary, name: str, runs: Sequence[RunSummary]) -> Section:
    """Build the section on leaks and reproduction of `run`, one of the `runs` of the report."""
    evaluation = run.evaluation
    listings = [
        Listing(title="Evaluate", text=evaluate_command(run)),
        Listing(title="Report", text=report_command(runs)),
    ]
    if run.command:
        again = [str(each["command"]) for each in run.setting("continued") or []]
        listings.insert(0, Listing(title="Train", text="\n".join([run.command, *again])))
    listings.append(Listing(title="Exact values", text="\n".join(_exact_values(run))))
    leak = Statement(
        "{leaks:,} of the {seen:,} mazes seen in training belong to the validation or test split (counted while "
        "training). Splits go by the maze's walls up to rotation and reflection. The test mazes have digest "
        "{digest}; evaluation took {seconds:.0f} s.",
        {
            "leaks": run.leak_count,
            "seen": run.mazes_seen,
            "digest": evaluation.maze_digest,
            "seconds": evaluation.seconds,
        },
    )
    return Section(
        name=name,
        title="Leaks and reproduction",
        lead=leak,
        listings=listings,
        tables=[configuration_table(run)],
        run=run.name if len(runs) > 1 else None,
    )


def evaluate_command(run: RunSummary) -> str:
    """Return the command that evaluates the run on the same mazes."""
    evaluation = run.evaluation
    sizes = format_range(tuple(row.size for row in evaluation.rows))
    return (
        f"maze-rl evaluate {shlex.quote(run.folder)} --sizes {sizes} --algorithm {shlex.quote(evaluation.algorithm)} "
        f"--num {evaluation.num_per_size} --seed {evaluation.seed}{_loops(run)}"
    )


def report_command(runs: Sequence[RunSummary]) -> str:
    """Return the command that makes this report."""
    evaluation = runs[0].evaluation
    sizes = format_range(tuple(row.size for row in evaluation.rows))
    folders = " ".join(shlex.quote(run.folder) for run in runs)
    tested = f"--sizes {sizes} --num {evaluation.num_per_size} --seed {evaluation.seed}{_loops(runs[0])}"
    return f"maze-rl report {folders} {tested}"


def _loops(run: RunSummary) -> str:
    return "" if run.loops is None else f" --loops {run.loops}"


def _exact_values(run: RunSummary) -> list[str]:
    values = {
        "training seed": run.setting("seed"),
        "evaluation seed": run.evaluation.seed,
        "code revision": run.setting("revision"),
        "maze digest": run.evaluation.maze_digest,
    }
    versions = run.setting("versions")
    values |= versions if isinstance(versions, dict) else {"versions": versions}
    return [f"{name}: {value}" for name, value in values.items() if value is not None]
