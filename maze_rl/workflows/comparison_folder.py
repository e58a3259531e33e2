"""Where the report on several runs goes: a place of its own, never into the folder of one of them."""

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from maze_rl.errors import ConfigurationError

COMPARISONS = Path("runs/comparisons")
MOST_NAMED = 3
"""Runs that give the folder its name."""


def comparison_folder(runs: Sequence[tuple[str, str | None]], ending: str = "") -> Path:
    """Return ``runs/comparisons/A-B``, with a number behind it where that holds a report on other runs.

    Args:
        runs: Name and place of what is compared, as `RunSummary` has them; a model that is an object has no place.
        ending: What is appended to the name, such as ``-36-loops``.
    """
    names = [Path(name).name for name, _ in runs]
    more = f"-and-{len(names) - MOST_NAMED}-more" if len(names) > MOST_NAMED else ""
    name = "-".join(names[:MOST_NAMED]) + more + ending
    candidates = (COMPARISONS / (name if number == 1 else f"{name}-{number}") for number in count(1))
    return next(folder for folder in candidates if _is_free(folder, runs))


def _is_free(folder: Path, runs: Sequence[tuple[str, str | None]]) -> bool:
    """Tell whether there is nothing in `folder`, or an earlier report on the same runs."""
    if not folder.exists():
        return True
    try:
        reported = json.loads((folder / "report.json").read_text(encoding="utf-8"))["runs"]
        return [Path(each["folder"]).resolve() for each in reported] == [
            Path(place or "").resolve() for _, place in runs
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def check_own_place(out: Path, reports: Sequence[Path]) -> None:
    """Check that a report on several runs does not overwrite the report of one of them.

    Raises:
        ConfigurationError: It would; names the run.
    """
    for report in reports:
        if len(reports) > 1 and out.resolve() == report.resolve():
            raise ConfigurationError(
                f"--out {out} holds the report of {report.parent} alone: choose another folder for the comparison, or "
                f"leave --out away for one in {COMPARISONS}."
            )
