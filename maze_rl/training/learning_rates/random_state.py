"""The state of a random generator as JSON values, for checkpoints."""

from typing import Any

import numpy as np


def random_state(generator: np.random.Generator) -> dict[str, Any]:
    """Return the state of `generator` as plain JSON values."""
    return _plain(generator.bit_generator.state)


def set_random_state(generator: np.random.Generator, state: dict[str, Any]) -> None:
    """Put `generator` into a state of `random_state`."""
    generator.bit_generator.state = _arrays(state)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _arrays(part) for name, part in value.items()}
    return np.array(value, dtype=np.uint64) if isinstance(value, list) else value
