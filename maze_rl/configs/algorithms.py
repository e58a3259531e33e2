"""The maze algorithms by name, and the options each takes; their code is in `maze_rl.mazes.generators`.

An algorithm of one's own is named ``package.module:function``, or by the name of an entry point of the group
``maze_rl.generators``; its options are the keyword arguments of its function, which checks them itself.
"""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from maze_rl.configs.options import Option, OptionValue, complete, is_count, is_share
from maze_rl.errors import unknown_name

ENTRY_POINTS = "maze_rl.generators"


def _is_count_or_share(value: object) -> bool:
    return is_count(value, 2) or (isinstance(value, float) and 0 < value <= 1)


_PERCOLATION = "a probability, 0 to 1"
TREES = ("dfs", "wilson", "aldous_broder", "kruskal", "prim", "hunt_and_kill", "recursive_division")
"""Algorithms whose mazes have no cycle, so that there is one path between two cells."""
ALGORITHMS: dict[str, dict[str, Option]] = {
    "dfs": {
        "accessible_cells": Option(
            1.0, _is_count_or_share, "a share of the cells, above 0.0 to 1.0, or their number, a whole one from 2"
        ),
        "max_depth": Option(None, lambda value: value is None or is_count(value), "steps from the root, at least 1"),
        "forks": Option(True, lambda value: isinstance(value, bool), "true, or false for one corridor"),
    },
    "wilson": {},
    "aldous_broder": {},
    "kruskal": {},
    "prim": {},
    "hunt_and_kill": {},
    "recursive_division": {},
    "percolation": {"percolation": Option(0.5, is_share, _PERCOLATION)},
    "dfs_percolation": {"percolation": Option(0.1, is_share, _PERCOLATION)},
    "braid": {"braid": Option(0.5, is_share, "a share of the dead ends, 0 to 1")},
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
    return complete(algorithm, ALGORITHMS[algorithm], given)
