"""What baselines and first errors are called in a report, and how a baseline is drawn."""

import re

_BASELINES = {
    "manhattan": "Manhattan greedy",
    "manhattan_greedy": "Manhattan greedy",
    "random": "random walk",
    "random_legal": "random legal",
    "random_non_backtracking": "random, no turning back",
    "non_backtracking": "random, no turning back",
    "oracle": "oracle",
    "dead_end_filling": "dead-end filling",
    "untrained": "untrained model",
}
_ERRORS = {
    "none": "no error",
    "wall": "through a wall",
    "illegal_wall_jump": "through a wall",
    "off_lattice": "jumped off the path",
    "off_lattice_jump": "jumped off the path",
    "jump": "jumped off the path",
    "fork": "wrong at a fork",
    "wrong_fork": "wrong at a fork",
    "non_optimal_fork": "wrong at a fork",
    "backtrack": "turned back",
    "premature_end": "stopped too early",
    "missed_end": "did not stop",
    "malformed": "not a path",
}
NO_ERROR = "none"


def look_ahead_of(name: str) -> int | None:
    """Return L of a baseline that looks L steps ahead, or None if `name` is no such baseline."""
    match = re.fullmatch(r"(?:ideal_)?look_?ahead_?(\d+)", name)
    return int(match[1]) if match else None


def baseline_kind(name: str) -> str:
    """Return `oracle`, `manhattan`, `look_ahead`, `random` or `other`: they differ in how they are drawn."""
    if look_ahead_of(name) is not None:
        return "look_ahead"
    for kind in ("oracle", "manhattan", "random"):
        if kind in name:
            return kind
    return "random" if "backtracking" in name else "other"


def baseline_name(name: str) -> str:
    """Return what a reader sees for the baseline called `name`."""
    steps = look_ahead_of(name)
    return f"look-ahead {steps}" if steps is not None else _BASELINES.get(name, name.replace("_", " "))


def error_name(name: str) -> str:
    """Return what a reader sees for a type of first error."""
    return _ERRORS.get(name, name.replace("_", " "))
