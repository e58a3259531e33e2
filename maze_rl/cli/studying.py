"""Commands about what models compute: search, selftest, studies."""

import argparse
import json
from pathlib import Path

from maze_rl.errors import ConfigurationError


def studies(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl studies``."""
    {"list": _list, "run": _run, "export": _export}[chosen.action](chosen)


def _list(chosen: argparse.Namespace) -> None:
    from maze_rl.workflows.studies import list_studies

    found = list_studies()
    if chosen.json:
        print(json.dumps([{"name": each.name, "question": each.question, "file": str(each.path)} for each in found]))
        return
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        print(f"{each.name:<{width}}  {each.question}")


def _run(chosen: argparse.Namespace) -> None:
    from maze_rl.cli.progress import progress_bar
    from maze_rl.workflows.studies import run_study

    name = _one_name(chosen)
    with progress_bar(quiet=chosen.json) as bar:
        folder = run_study(
            name, run=chosen.run, out=None if chosen.out is None else Path(chosen.out),
            progress=lambda doing, done: bar(name, done, {"doing": doing}),
        )  # fmt: skip
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    print(json.dumps({"folder": str(folder), "files": files}) if chosen.json else f"written to {folder.resolve()}")


def _export(chosen: argparse.Namespace) -> None:
    from maze_rl.workflows.studies import export_study

    path = export_study(_one_name(chosen), None if chosen.out is None else Path(chosen.out))
    print(json.dumps({"notebook": str(path)}) if chosen.json else f"notebook: {path.resolve()}")


def _one_name(chosen: argparse.Namespace) -> str:
    if chosen.name is None:
        raise ConfigurationError(f"{chosen.action} takes the name of a study; maze-rl studies list has them.")
    return chosen.name
