"""What baselines and first errors are called in a report, and how a baseline is drawn."""

import re

_BASELINES = {
    "manhattan": "Manhattan greedy",
    "random_legal": "random, any open step",
    "random_non_backtracking": "random, no turning back",
    "oracle": "oracle",
    "dead_end_filling": "dead-end filling",
    "untrained": "untrained model",
}
_ERRORS = {
    "none": "no error",
    "wrong_start": "wrong start",
    "wall": "through a wall",
    "off_lattice": "jumped off the path",
    "non_optimal": "wrong turn",
    "backtrack": "turned back",
    "premature_end": "stopped too early",
    "missed_end": "did not stop",
    "malformed_token": "wrote no cell",
    "malformed_cell": "cell off the maze",
    "over_budget": "never ended",
}
NO_ERROR = "none"


def look_ahead_of(name: str) -> int | None:
    """Return L of a baseline that looks L steps ahead, or None if `name` is no such baseline."""
    match = re.fullmatch(r"look_ahead_(\d+)", name)
    return int(match[1]) if match else None


def baseline_kind(name: str) -> str:
    """Return `oracle`, `manhattan`, `look_ahead`, `random` or `other`: they differ in how they are drawn."""
    if look_ahead_of(name) is not None:
        return "look_ahead"
    for kind in ("oracle", "manhattan", "random"):
        if kind in name:
            return kind
    return "other"


def baseline_name(name: str) -> str:
    """Return what a reader sees for the baseline called `name`."""
    steps = look_ahead_of(name)
    return f"look-ahead {steps}" if steps is not None else _BASELINES.get(name, name.replace("_", " "))


def error_name(name: str) -> str:
    """Return what a reader sees for a type of first error."""
    return _ERRORS.get(name, name.replace("_", " "))
