"""Maze algorithms by name: the shipped ones, and functions of one's own.

One's own is a plain function ``(rows, cols, random, **options) -> Bool[2, rows, cols]`` that draws everything from
`random`, a `numpy.random.Generator` whose stream belongs to (seed, index) alone: then its mazes are as reproducible as
ours, in any order and any number of processes. It is passed as it is, named ``package.module:function``, or registered
under the entry point group ``maze_rl.generators``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numpy import ndarray

from maze_rl.configs.algorithms import own_algorithms
from maze_rl.errors import ConfigurationError, InvalidMazeError
from maze_rl.mazes.generators.aldous_broder import aldous_broder
from maze_rl.mazes.generators.braid import braid
from maze_rl.mazes.generators.depth_first import depth_first
from maze_rl.mazes.generators.depth_first_percolation import depth_first_percolation
from maze_rl.mazes.generators.hunt_and_kill import hunt_and_kill
from maze_rl.mazes.generators.kruskal import kruskal
from maze_rl.mazes.generators.percolation import percolation
from maze_rl.mazes.generators.prim import prim
from maze_rl.mazes.generators.recursive_division import recursive_division
from maze_rl.mazes.generators.wilson import wilson
from maze_rl.mazes.lattice import find_leak
from maze_rl.own_plugins import import_own

Generator = Callable[..., bool]
"""(connections, states, pending, **options) -> whether all cells are connected; see `maze_rl.mazes.generators`."""
OwnAlgorithm = Callable[..., ndarray]
"""(rows, cols, random, **options) -> Bool[2, rows, cols]."""

GENERATORS: dict[str, Generator] = {
    "dfs": depth_first,
    "wilson": wilson,
    "aldous_broder": aldous_broder,
    "kruskal": kruskal,
    "prim": prim,
    "hunt_and_kill": hunt_and_kill,
    "recursive_division": recursive_division,
    "percolation": percolation,
    "dfs_percolation": depth_first_percolation,
    "braid": braid,
}


def find_generator(name: str) -> Generator:
    """Return the generator of an algorithm: shipped, registered, or ``package.module:function``.

    Raises:
        ConfigurationError: The function cannot be imported.
    """
    if name in GENERATORS:
        return GENERATORS[name]
    found = import_own("algorithm", name) if ":" in name else _load_registered(name)
    if not callable(found):
        raise ConfigurationError(f"algorithm {name}: expected a function, got {found!r}.")
    function: Any = found
    return from_function(function)


def _load_registered(name: str) -> Any:
    try:
        return own_algorithms()[name].load()
    except Exception as error:  # whatever another package does when it is imported
        raise ConfigurationError(f"algorithm {name}: cannot be imported ({type(error).__name__}: {error}).") from error


def name_of(function: OwnAlgorithm) -> str:
    """Return the name under which `find_generator` finds a function that can be imported."""
    if not callable(function):
        raise ConfigurationError(f"algorithm is {function!r}: expected a name, as 'dfs', or a function of your own.")
    where = getattr(function, "__module__", "__main__")
    return f"{where}:{getattr(function, '__qualname__', type(function).__qualname__)}"


def from_function(function: OwnAlgorithm) -> Generator:
    """Make a generator of a function that carves one maze."""

    def carve_rows(
        connections: Bool[ndarray, "num 2 rows cols"],
        states: UInt64[ndarray, "num 2"],
        pending: Int64[ndarray, " k"],
        **options: object,
    ) -> bool:
        rows, cols = connections.shape[2:]
        for row in pending:
            # A stream of its own for every attempt: the state goes on by one number.
            random = np.random.Generator(np.random.Philox(key=states[row]))
            states[row, 1] += np.uint64(1)
            try:
                carved = function(rows, cols, random, **options)
            except Exception as error:  # somebody else's code: name it, and say what it said
                raise ConfigurationError(f"algorithm {name_of(function)}: {type(error).__name__}: {error}") from error
            connections[row] = _checked(carved, (2, rows, cols), function)
        return False

    return carve_rows


def _checked(carved: object, shape: tuple[int, ...], function: OwnAlgorithm) -> ndarray:
    """Return what a function carved, if it is one maze of `shape` with a closed border."""
    array = np.asarray(carved)
    name = getattr(function, "__name__", repr(function))
    if array.shape != shape or array.dtype != np.bool_:
        raise InvalidMazeError(f"{name}: expected Bool{list(shape)}, got {array.dtype} of shape {array.shape}.")
    leaks, message = find_leak(array[None])
    if not leaks:
        raise InvalidMazeError(f"{name}: {message}")
    return array
