"""Plug-ins of one's own, by name: ``package.module:function``, called with its options."""

import inspect
from importlib import import_module
from typing import Any

from maze_rl.configs.choices import Choice
from maze_rl.errors import ConfigurationError


def import_own(slot: str, name: str) -> Any:
    """Return what ``package.module:function`` names.

    Args:
        slot: What the slot is called in messages, e.g. ``loss``.
        name: The name.

    Raises:
        ConfigurationError: It cannot be imported; says why.
    """
    module, _, path = name.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except Exception as error:  # whatever another package does when it is imported
        raise ConfigurationError(f"{slot} {name}: cannot be imported ({type(error).__name__}: {error}).") from error
    if not callable(found):
        raise ConfigurationError(f"{slot} {name}: expected a function, got {found!r}.")
    return found


def call_own(slot: str, choice: Choice, seed: int | None = None, **given: Any) -> Any:
    """Import the function a choice names and return what it answers.

    Args:
        slot: What the slot is called in messages, e.g. ``loss``.
        choice: Its name is ``package.module:function``; its options become keyword arguments.
        seed: Seed of the run, passed on if the function has a parameter of that name and no option says otherwise.
        **given: What else the slot passes.

    Raises:
        ConfigurationError: It cannot be imported or called; says why.
    """
    function = import_own(slot, choice.name)
    arguments = given | dict(choice.options)
    try:
        if seed is not None and "seed" in inspect.signature(function).parameters:
            arguments.setdefault("seed", seed)
        return function(**arguments)
    except Exception as error:  # whatever another package does when it is called
        raise ConfigurationError(f"{slot} {choice.name}: cannot be used ({type(error).__name__}: {error}).") from error
