"""Names of devices, checked without importing torch."""

import re

from maze_rl.errors import ConfigurationError

_NAME = re.compile(r"cpu|cuda(:\d+)?")


def check_device_name(name: str) -> str:
    """Return `name` if it is `cpu`, `cuda` or `cuda:N`, GPU N counted from 0; whether there is one, torch knows.

    Raises:
        ConfigurationError: It is something else.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"device {name!r} cannot be used: take cpu, cuda, or cuda:1 for the second GPU.")
    return name
