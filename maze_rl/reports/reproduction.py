"""How to make a report again: commands, seeds, versions, revision, digest of the test mazes, leak count."""

import shlex
from collections.abc import Sequence

from maze_rl.configs.ranges import format_range
from maze_rl.reports.content import NOTHING, Listing, Section, Statement
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.run_tables import configuration_table

_NO_COMMAND = Statement(
    "No one command makes this report: its runs were tested with other seeds or other loops, so report each by itself."
)


def reproduction_section(run: RunSummary, name: str, runs: Sequence[RunSummary]) -> Section:
    """Build the section on leaks and reproduction of `run`, one of the `runs` of the report."""
    evaluation, again_whole = run.evaluation, report_command(runs)
    listings = [Listing(title="Evaluate", text=evaluate_command(run))]
    if again_whole is not None:
        listings.append(Listing(title="Report", text=again_whole))
    if run.command:
        again = [str(each["command"]) for each in run.setting("continued") or []]
        listings.insert(0, Listing(title="Train", text="\n".join([run.command, *again])))
    listings.append(Listing(title="Exact values", text="\n".join(_exact_values(run))))
    test = Statement(
        "The test mazes have digest {digest}; evaluation took {seconds:.0f} s.",
        {"digest": evaluation.maze_digest, "seconds": evaluation.seconds},
    )
    return Section(
        name=name,
        title="Leaks and reproduction",
        lead=_leaks(run) + test + (NOTHING if again_whole else _NO_COMMAND),
        listings=listings,
        tables=[configuration_table(run)],
        run=run.name if len(runs) > 1 else None,
    )


def _leaks(run: RunSummary) -> Statement:
    """Say how many mazes of other splits were seen in training."""
    if run.leak_count is None or run.mazes_seen is None:
        return Statement(
            "Whether the model saw test mazes in training is not recorded. Splits go by the maze's walls up to "
            "rotation and reflection: what is trained on mazes of the train split has seen none."
        )
    return Statement(
        "{leaks:,} of the {seen:,} mazes seen in training belong to the validation or test split (counted while "
        "training). Splits go by the maze's walls up to rotation and reflection.",
        {"leaks": run.leak_count, "seen": run.mazes_seen},
    )


def evaluate_command(run: RunSummary) -> str:
    """Return the command, or the call, that evaluates the run on the same mazes."""
    evaluation = run.evaluation
    if run.folder is None:
        return (
            f"maze_rl.evaluate(model, sizes=[{_sizes(run)}], num={evaluation.num_per_size}, "
            f"algorithm={evaluation.algorithm!r}, seed={evaluation.seed}{_loops(run)})"
        )
    return (
        f"maze-rl evaluate {shlex.quote(run.folder)} --sizes {_size_range(run)} "
        f"--algorithm {shlex.quote(evaluation.algorithm)} --num {evaluation.num_per_size} --seed {evaluation.seed}"
        f"{_loops(run)}"
    )


def report_command(runs: Sequence[RunSummary]) -> str | None:
    """Return the command, or the call, that makes this report; None where one cannot.

    It tests all runs with one seed and as many loops. Sizes and numbers of mazes in which they differ are left out: it
    then takes each as it was evaluated.
    """
    if len({(run.evaluation.seed, run.loops) for run in runs}) > 1:
        return None
    evaluation = runs[0].evaluation
    tested = {"sizes": f"[{_sizes(runs[0])}]", "num": evaluation.num_per_size, "seed": evaluation.seed}
    if len({_sizes(run) for run in runs}) > 1:
        del tested["sizes"]
    if len({run.evaluation.num_per_size for run in runs}) > 1:
        del tested["num"]
    if any(run.folder is None for run in runs):
        given = ", ".join("model" if run.folder is None else repr(run.folder) for run in runs)
        loops = "" if runs[0].loops is None else f", loops={runs[0].loops}"
        return f"maze_rl.report([{given}], {', '.join(f'{name}={value}' for name, value in tested.items())}{loops})"
    if "sizes" in tested:
        tested["sizes"] = _size_range(runs[0])
    folders = " ".join(shlex.quote(str(run.folder)) for run in runs)
    flags = " ".join(f"--{name} {value}" for name, value in tested.items())
    return f"maze-rl report {folders} {flags}{_loops(runs[0])}"


def _size_range(run: RunSummary) -> str:
    return format_range(tuple(row.size for row in run.evaluation.rows))


def _sizes(run: RunSummary) -> str:
    return ", ".join(str(row.size) for row in run.evaluation.rows)


def _loops(run: RunSummary) -> str:
    if run.loops is None:
        return ""
    return f", loops={run.loops}" if run.folder is None else f" --loops {run.loops}"


def _exact_values(run: RunSummary) -> list[str]:
    values = {
        "training seed": run.fact("seed"),
        "evaluation seed": run.evaluation.seed,
        "code revision": run.setting("revision"),
        "maze digest": run.evaluation.maze_digest,
    }
    versions = run.fact("versions")
    values |= versions if isinstance(versions, dict) else {"versions": versions}
    return [f"{name}: {value}" for name, value in values.items() if value is not None]
