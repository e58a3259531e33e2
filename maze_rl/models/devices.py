"""Torch devices by name."""

import torch

from maze_rl.errors import ConfigurationError


def check_device(name: str) -> str:
    """Return `name` if torch can put a tensor there.

    Raises:
        ConfigurationError: This torch has no such device.
    """
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"device {name} is not available ({reason}): use --device cpu.") from error
    return name


def default_device() -> str:
    """Return `cuda` where torch sees a CUDA device, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"
