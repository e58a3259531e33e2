"""Torch devices by name."""

import torch

from maze_rl.configs.devices import check_device_name
from maze_rl.errors import ConfigurationError


def check_device(device: str | torch.device) -> str:
    """Return the name of a device if torch can put a tensor there.

    Raises:
        ConfigurationError: It is neither `cpu` nor `cuda`, or there is no such GPU.
    """
    name = check_device_name(str(device))
    kind, _, number = name.partition(":")
    if kind == "cuda":
        if not torch.cuda.is_available():
            why = "this torch was built without CUDA" if torch.version.cuda is None else "torch finds no GPU"
            raise ConfigurationError(f"device {name} is not available ({why}): use --device cpu.")
        count = torch.cuda.device_count()
        if int(number or 0) >= count:
            names = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
            raise ConfigurationError(f"device {name} is not available: this machine has {names}.")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0][:200]
        raise ConfigurationError(f"device {name} is not available ({reason}): use --device cpu.") from error
    return name


def default_device() -> str:
    """Return `cuda` where torch sees a CUDA device, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"
