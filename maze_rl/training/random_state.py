"""The state of a random stream as plain values, for checkpoints."""

from typing import Any

import numpy as np


def random_state(generator: np.random.Generator) -> dict[str, Any]:
    """Return where a generator stands, as JSON values."""
    return _plain(generator.bit_generator.state)


def set_random_state(generator: np.random.Generator, state: dict[str, Any]) -> None:
    """Put a generator where `random_state` found one."""
    generator.bit_generator.state = _arrays(state)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _arrays(part) for key, part in value.items()}
    return np.array(value, np.uint64) if isinstance(value, list) else value
