"""Commands about what models compute: search, selftest, studies."""

import argparse
from pathlib import Path

from maze_rl.configs.algorithms import check_algorithm
from maze_rl.configs.ranges import parse_squares
from maze_rl.errors import ConfigurationError
from maze_rl.models.places import check_model, find_model
from maze_rl.shipped import shipped
from maze_rl.strict_json import json_text


def studies(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl studies``."""
    {"list": _list, "run": _run, "export": _export}[chosen.action](chosen)


def _list(chosen: argparse.Namespace) -> None:
    from maze_rl.workflows.studies import list_studies

    if chosen.name is not None:
        raise ConfigurationError(f"list takes no name, and got {chosen.name!r}.")
    _refuse(chosen, "run", "out")

    found = list_studies()
    if chosen.json:
        print(json_text([{"name": each.name, "question": each.question, "file": str(each.path)} for each in found]))
        return
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        print(f"{each.name:<{width}}  {each.question}")


def _run(chosen: argparse.Namespace) -> None:
    from maze_rl.cli.progress import progress_bar
    from maze_rl.workflows.studies import run_study

    name = _one_name(chosen)
    shipped("analysis", name)
    if chosen.run is not None:
        find_model(chosen.run)
    with progress_bar(quiet=chosen.json) as bar:
        folder = run_study(
            name,
            run=chosen.run,
            out=None if chosen.out is None else Path(chosen.out),
            progress=lambda doing, done: bar(name, done, {"doing": doing}),
        ).folder
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    print(json_text({"folder": str(folder), "files": files}) if chosen.json else f"written to {folder.resolve()}")


def _export(chosen: argparse.Namespace) -> None:
    from maze_rl.workflows.studies import export_study

    _refuse(chosen, "run")
    path = export_study(_one_name(chosen), None if chosen.out is None else Path(chosen.out))
    print(json_text({"notebook": str(path)}) if chosen.json else f"notebook: {path.resolve()}")


def _refuse(chosen: argparse.Namespace, *flags: str) -> None:
    """Refuse flags that the action would ignore."""
    for flag in flags:
        if getattr(chosen, flag) is not None:
            raise ConfigurationError(f"{chosen.action} takes no --{flag}; `maze-rl studies run NAME` does.")


def _one_name(chosen: argparse.Namespace) -> str:
    if chosen.name is None:
        raise ConfigurationError(f"{chosen.action} takes the name of a study; maze-rl studies list has them.")
    return chosen.name


def selftest(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl selftest``; the exit status is 1 where it does not hold."""
    if chosen.instances < 1 or chosen.workers < 0 or chosen.seed < 0:
        raise ConfigurationError("selftest needs at least one instance, 0 or more workers, and a seed of 0 or more.")
    from maze_rl.calibration.confusion_matrix import matrix_values
    from maze_rl.calibration.selftest import selftest as run_selftest
    from maze_rl.cli.progress import progress_bar
    from maze_rl.cli.tables import print_selftest

    with progress_bar(quiet=chosen.json) as bar:
        result = run_selftest(
            chosen.instances,
            workers=chosen.workers,
            seed=chosen.seed,
            progress=lambda doing, done: bar("selftest", done, {"doing": doing}),
        )
    values = matrix_values(result)
    if chosen.json:
        print(json_text(values))
    else:
        print_selftest(values)
    if chosen.out is not None:
        Path(chosen.out).parent.mkdir(parents=True, exist_ok=True)
        Path(chosen.out).write_text(json_text(values, indent=1) + "\n")
    return 0 if result.holds else 1


def search(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl search``."""
    check_model(chosen.run)
    check_algorithm(chosen.algorithm)
    if chosen.size is not None:
        parse_squares(str(chosen.size))
    from maze_rl.cli.progress import progress_bar
    from maze_rl.cli.tables import warn_of_few_search_layouts
    from maze_rl.displays.short_repr import interval_text
    from maze_rl.intervals import Interval
    from maze_rl.workflows.search import search as run_search

    with progress_bar(quiet=chosen.json) as bar:
        found = run_search(
            chosen.run,
            size=chosen.size,
            num=chosen.num,
            algorithm=chosen.algorithm,
            max_distance=chosen.max_distance,
            seed=chosen.seed,
            loops=chosen.loops,
            out=None if chosen.out is None else Path(chosen.out),
            command=chosen.command_line,
            progress=lambda doing, done: bar("search", done, {"doing": doing}),
        )
    warn_of_few_search_layouts(found.result)
    if chosen.json:
        print(json_text({"report": str(found.page), "verdict": found.verdict, "scores": found.scores}))
        return
    for name, row in found.scores.items():
        effect = interval_text(Interval(row["effect"], row["low"], row["high"]), 2, "+")
        layouts = "" if row["layouts"] is None else f", {row['layouts']:,} layouts"
        print(f"{name}  {effect:<20}  {row['verdict']:<8} {row['name']} ({row['mazes']:,} mazes{layouts})")
    print(f"{chosen.run}: {found.verdict}")
    print(f"report: {found.page.resolve()}")
