"""Plug-ins of one's own, by name: ``package.module:function``, called with its options."""

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from maze_rl.configs.choices import Choice
from maze_rl.errors import ConfigurationError, MazeRLError, did_you_mean


def import_own(slot: str, name: str, known: Iterable[str] = ()) -> Any:
    """Return what ``package.module:function`` names.

    Args:
        slot: What the slot is called in messages, e.g. ``loss``.
        name: The name.
        known: The names of shipped plug-ins, of which this may be a misspelt one.

    Raises:
        ConfigurationError: It cannot be imported; says why.
    """
    module, _, path = name.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except Exception as error:  # whatever another package does when it is imported
        hint = did_you_mean(module, known)
        raise ConfigurationError(f"{slot} {name}: cannot be imported ({_in_one_line(error)}).{hint}") from error
    if not callable(found):
        raise ConfigurationError(f"{slot} {name}: expected a function, got {found!r}.")
    return found


def call_own(slot: str, choice: Choice, seed: int | None = None, known: Iterable[str] = (), **given: Any) -> Any:
    """Import the function a choice names and return what it answers.

    Args:
        slot: What the slot is called in messages, e.g. ``loss``.
        choice: Its name is ``package.module:function``; its options become keyword arguments.
        seed: Seed of the run, passed on if the function has a parameter of that name and no option says otherwise.
        known: As in `import_own`.
        **given: What else the slot passes.

    Raises:
        ConfigurationError: It cannot be imported or called; says why.
    """
    function = import_own(slot, choice.name, known)
    arguments = given | dict(choice.options)
    try:
        if seed is not None and "seed" in inspect.signature(function).parameters:
            arguments.setdefault("seed", seed)
        return function(**arguments)
    except Exception as error:  # whatever another package does when it is called
        raise ConfigurationError(f"{slot} {choice.name}: cannot be used ({_in_one_line(error)}).") from error


@contextmanager
def named_in_errors(slot: str, plugin: object) -> Iterator[None]:
    """Within, what a plug-in of one's own raises becomes an error that names it; errors of shipped ones stay.

    Args:
        slot: What the slot is called in messages, e.g. ``update rule``.
        plugin: The function, or the object of a class, that is asked.

    Raises:
        ConfigurationError: The plug-in raised something; the cause is kept.
    """
    try:
        yield
    except MazeRLError:
        raise
    except Exception as error:  # whatever somebody else's code does when it is asked
        if named(plugin).startswith("maze_rl."):
            raise
        raise ConfigurationError(f"{slot} {named(plugin)}: {_in_one_line(error)}.") from error


def named(plugin: object) -> str:
    """Return ``package.module:function`` of a function, or of the class of an object."""
    kind = plugin if hasattr(plugin, "__qualname__") else type(plugin)
    return f"{getattr(kind, '__module__', '')}:{getattr(kind, '__qualname__', repr(plugin))}"


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
