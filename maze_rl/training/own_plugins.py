"""Plug-ins of one's own, by name: ``package.module:function``, called with its options."""

from importlib import import_module
from typing import Any

from maze_rl.configs.choices import Choice
from maze_rl.errors import ConfigurationError


def call_own(slot: str, choice: Choice, **given: Any) -> Any:
    """Import the function a choice names and return what it answers.

    Args:
        slot: What the slot is called in messages, e.g. ``loss``.
        choice: Its name is ``package.module:function``.
        given: What the trainer passes beside the options.

    Raises:
        ConfigurationError: It cannot be imported or called; says why.
    """
    module, _, path = choice.name.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute)
        return found(**given, **choice.options)
    except Exception as error:  # whatever another package does when it is imported or called
        raise ConfigurationError(f"{slot} {choice.name}: cannot be used ({type(error).__name__}: {error}).") from error
