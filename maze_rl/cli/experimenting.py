"""The command `experiments`: list, describe, run, compare."""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from maze_rl.cli.ctrl_c import unwrapped
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.strict_json import json_text

_ONLY_ON_THE_PAGE = ("best_validation_exact", "trained_parameters", "folded_parameters")
"""Columns that a terminal has no room for."""


def experiments(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl experiments``."""
    return {"list": list_all, "describe": describe, "run": run, "compare": compare}[chosen.action](chosen)


def list_all(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl experiments list``: names and questions; no file of an experiment is run."""
    from maze_rl.workflows.experiment_files import find_experiments

    _no_names(chosen)
    found = find_experiments()
    if chosen.json:
        print(
            json_text(
                [{"name": name, "question": file.question, "file": str(file.path)} for name, file in found.items()]
            )
        )
        return 0
    width = max(map(len, found), default=0)
    for name, file in found.items():
        print(f"{name:<{width}}  {file.question}")
    return 0


def describe(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl experiments describe``: the docstring, the arms and how they differ from the control."""
    from maze_rl.configs.experiment import arm_in_words
    from maze_rl.workflows.experiment import record
    from maze_rl.workflows.experiment_files import find_experiment

    file = find_experiment(_one_name(chosen))
    if file.is_script:
        print(json_text({"name": file.name, "text": file.text}) if chosen.json else f"{file.name}: {file.text}")
        return 0
    experiment = file.load(chosen.large)
    facts = record(file, experiment, chosen.large)
    if chosen.json:
        print(json_text(facts))
        return 0
    print(f"{file.name}: {file.text}\n")
    seeds = f"{experiment.seeds} seed{'s' * (experiment.seeds != 1)}"
    print(f"control {experiment.control}: {arm_in_words(experiment.arms[experiment.control])}; {seeds} each")
    for arm, differences in facts["differences"].items():
        if arm != experiment.control:
            sham = f" (also against {experiment.shams[arm]})" if arm in experiment.shams else ""
            print(f"  {arm}{sham}: {_shortened(differences)}")
    print(
        f"judged: {', '.join(experiment.judged)}; measured: {', '.join(experiment.measures)}, "
        f"{experiment.test_mazes} test mazes of each size {', '.join(map(str, experiment.test_sizes))}"
    )
    print(f"to run: maze-rl experiments run {shlex.quote(chosen.names[0])}")
    return 0


def run(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl experiments run``: train and measure what is missing, then compare."""
    name = _one_name(chosen)
    _check_experiment(name, chosen)
    from maze_rl.cli.progress import progress_bar
    from maze_rl.workflows.compare import compare as compare_runs
    from maze_rl.workflows.experiment import run_experiment

    try:
        with unwrapped(), progress_bar(quiet=chosen.json) as bar:
            done = run_experiment(
                name,
                large=chosen.large,
                seeds=chosen.seeds,
                workers=chosen.workers,
                out=chosen.out,
                progress=bar,
                command=chosen.command_line,
            )
    except KeyboardInterrupt:
        print(f"\nstopped; what is finished is kept. To go on: {chosen.command_line}", file=sys.stderr)
        return 130
    for which, reason in done.failed.items():
        print(f"{which} failed: {reason}", file=sys.stderr)
    if not done.finished:
        return 1
    _print_comparison(chosen, compare_runs([done.folder], chosen.target), list(done.failed))
    return 1 if done.failed else 0


def _check_experiment(name: str, chosen: argparse.Namespace) -> None:
    """Check, before anything heavy is imported, that there is such an experiment and what the comparison will need."""
    from maze_rl.workflows.experiment_files import find_experiment

    arms = find_experiment(name).load(chosen.large).arms
    if chosen.target is not None and chosen.target not in arms:
        raise unknown_name("target", chosen.target, arms)


def compare(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl experiments compare``."""
    if not chosen.names:
        raise ConfigurationError("compare needs folders of runs or experiments, or names of experiments that were run.")
    from maze_rl.workflows.compare import compare as compare_runs

    _print_comparison(chosen, compare_runs(chosen.names, chosen.target, chosen.out), [])
    return 0


def _print_comparison(chosen: argparse.Namespace, page: Path, failed: list[str]) -> None:
    """Print the table and the verdicts of a comparison that was written."""
    from maze_rl.reports.run_comparison.comparison_files import NUMBERS, cell_text, shown_columns

    numbers = json.loads((page.parent / NUMBERS).read_text())
    if chosen.json:
        print(json_text({"page": str(page), "failed_runs": failed} | numbers))
        return
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    columns = numbers["columns"]
    keys = [key for key in shown_columns(columns, numbers["table"]) if key not in _ONLY_ON_THE_PAGE]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for key in keys:
        justify = "left" if key == "arm" else "right"
        table.add_column(columns[key], justify=justify, no_wrap=key == "arm", max_width=None if key == "arm" else 11)
    for row in numbers["table"]:
        table.add_row(*(escape(cell_text(key, row[key])) for key in keys))
    Console().print(table)
    print(f"page: {page.resolve()}")
    _print_answer(numbers)


def _print_answer(numbers: dict[str, Any]) -> None:
    """Print what was reached and what that says: it is what was asked, so it comes last."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from maze_rl.reports.run_comparison.rates import rate_table

    if not numbers["rates"]:
        return
    titles, rows = rate_table(numbers["rates"])
    table = Table(title="means over seeds, 95 % intervals", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for title in titles:
        # in a narrow terminal a rate and its interval stand in several lines: what is cut off answers nothing
        table.add_column(title, justify="left" if title == "arm" else "right", no_wrap=title in ("arm", "seeds"))
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
    for verdict in numbers["verdicts"]:
        print(verdict["text"])
    if not numbers["verdicts"]:
        print("no verdict: there is nothing to compare with.")


def _shortened(differences: list[str], most: int = 4, longest: int = 110) -> str:
    """Name the first differences of an arm; --json has them in full."""
    shown = [text if len(text) <= longest else text[: longest - 1] + "…" for text in differences[:most]]
    more = [f"and {len(differences) - most} more"] if len(differences) > most else []
    return "; ".join(shown + more) or "the same settings"


def _one_name(chosen: argparse.Namespace) -> str:
    if len(chosen.names) != 1:
        raise ConfigurationError(
            f"{chosen.action} takes the name of one experiment; maze-rl experiments list has them."
        )
    return chosen.names[0]


def _no_names(chosen: argparse.Namespace) -> None:
    if chosen.names:
        raise ConfigurationError(
            f"list takes no names: describe says more, maze-rl experiments describe {chosen.names[0]}."
        )
