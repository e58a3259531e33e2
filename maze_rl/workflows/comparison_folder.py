"""Where the report on several runs goes: a place of its own, never into the folder of one of them."""

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from maze_rl.errors import ConfigurationError
from maze_rl.workflows.run_folder import RunFolder

COMPARISONS = Path("runs/comparisons")
MOST_NAMED = 3
"""Runs that give the folder its name."""


def comparison_folder(runs: Sequence[RunFolder], ending: str = "") -> Path:
    """Return ``runs/comparisons/A-B``, with a number behind it where that holds a report on other runs.

    Args:
        runs: The runs that are compared.
        ending: What is appended to the name, such as ``-36-loops``.
    """
    names = [run.folder.resolve().name for run in runs]
    more = f"-and-{len(names) - MOST_NAMED}-more" if len(names) > MOST_NAMED else ""
    name = "-".join(names[:MOST_NAMED]) + more + ending
    candidates = (COMPARISONS / (name if number == 1 else f"{name}-{number}") for number in count(1))
    return next(folder for folder in candidates if _is_free(folder, runs))


def _is_free(folder: Path, runs: Sequence[RunFolder]) -> bool:
    """Tell whether there is nothing in `folder`, or an earlier report on the same runs."""
    if not folder.exists():
        return True
    try:
        reported = json.loads((folder / "report.json").read_text(encoding="utf-8"))["runs"]
        return [Path(each["folder"]).resolve() for each in reported] == [run.folder.resolve() for run in runs]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def check_own_place(out: Path, runs: Sequence[RunFolder]) -> None:
    """Check that a report on several runs does not overwrite the report of one of them.

    Raises:
        ConfigurationError: It would; names the run.
    """
    for run in runs:
        if len(runs) > 1 and out.resolve() == run.report.resolve():
            raise ConfigurationError(
                f"--out {out} holds the report of {run.folder} alone: choose another folder for the comparison, or "
                f"leave --out away for one in {COMPARISONS}."
            )
