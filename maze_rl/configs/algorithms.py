"""The maze algorithms by name, and the options each takes; their code is in `maze_rl.mazes.generators`.

An algorithm of one's own is named ``package.module:function``, or by the name of an entry point of the group
``maze_rl.generators``; its options are the keyword arguments of its function, which checks them itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from maze_rl.errors import ConfigurationError, unknown_name

OptionValue = int | float | bool | None
ENTRY_POINTS = "maze_rl.generators"


@dataclass(frozen=True)
class Option:
    """A setting of one algorithm: its default, what it may be, and the words for that."""

    default: OptionValue
    allows: Callable[[object], bool]
    expected: str


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_share(value: object) -> bool:
    return _is_number(value) and 0 <= value <= 1  # type: ignore[operator]


def _is_count(value: object, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**31


def _is_count_or_share(value: object) -> bool:
    return _is_count(value, 2) or (isinstance(value, float) and 0 < value <= 1)


_PERCOLATION = "a probability, 0 to 1"
TREES = ("dfs", "wilson", "aldous_broder", "kruskal", "prim", "hunt_and_kill", "recursive_division")
"""Algorithms whose mazes have no cycle, so that there is one path between two cells."""
ALGORITHMS: dict[str, dict[str, Option]] = {
    "dfs": {
        "accessible_cells": Option(1.0, _is_count_or_share, "a share of the cells, above 0.0 to 1.0, or their number"),
        "max_depth": Option(None, lambda value: value is None or _is_count(value), "steps from the root, at least 1"),
        "forks": Option(True, lambda value: isinstance(value, bool), "true, or false for one corridor"),
    },
    "wilson": {},
    "aldous_broder": {},
    "kruskal": {},
    "prim": {},
    "hunt_and_kill": {},
    "recursive_division": {},
    "percolation": {"percolation": Option(0.5, _is_share, _PERCOLATION)},
    "dfs_percolation": {"percolation": Option(0.1, _is_share, _PERCOLATION)},
    "braid": {"braid": Option(0.5, _is_share, "a share of the dead ends, 0 to 1")},
}


def own_algorithms() -> dict[str, EntryPoint]:
    """Return the algorithms other packages register, by name."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def check_algorithm(name: str) -> None:
    """Check that an algorithm is known, registered, or named ``package.module:function``.

    Raises:
        UnknownNameError: It is none of these.
    """
    if name not in ALGORITHMS and ":" not in name:
        registered = own_algorithms()
        if name not in registered:
            raise unknown_name("algorithm", name, [*ALGORITHMS, *registered])


def complete_options(algorithm: str, given: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Return the options of an algorithm, those not `given` at their defaults.

    Raises:
        UnknownNameError: The algorithm has no option of that name.
        ConfigurationError: A value is out of range; names the option.
    """
    if algorithm not in ALGORITHMS:
        return dict(given)
    known = ALGORITHMS[algorithm]
    for name, value in given.items():
        if name not in known:
            raise unknown_name(f"option of {algorithm}", name, known)
        if not known[name].allows(value):
            raise ConfigurationError(f"{name} is {value!r}: expected {known[name].expected}.")
    complete = {name: given.get(name, option.default) for name, option in known.items()}
    # 1 and 1.0 are the same share
    return {name: float(value) if known[name].allows is _is_share else value for name, value in complete.items()}  # type: ignore[arg-type]


def parse_option(text: str) -> tuple[str, OptionValue]:
    """Read an option as people write it: ``percolation=0.2``, ``forks=false``, ``max_depth=none``.

    Raises:
        ConfigurationError: The text is no ``name=value``.
    """
    name, equals, value = text.replace(" ", "").partition("=")
    if not (name and equals and value):
        raise ConfigurationError(f"cannot read {text!r} as an option: write for example percolation=0.2.")
    words: dict[str, OptionValue] = {"true": True, "false": False, "none": None}
    if value.lower() in words:
        return name, words[value.lower()]
    for number in (int, float):
        try:
            return name, number(value)
        except ValueError:
            continue
    raise ConfigurationError(f"cannot read the value of {text!r}: write a number, true, false or none.")
