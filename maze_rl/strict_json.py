"""JSON that every reader takes: numbers that are not finite are null, which the standard has no words for."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from maze_rl.plain_numbers import as_plain


def plain(value: Any) -> Any:
    """Return `value` as JSON values; numbers that are not finite become null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    value = as_plain(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """Return `value` as JSON, with null for numbers that are not finite.

    Args:
        value: JSON values, tuples and dataclasses among them.
        indent: Spaces to indent by; None for a single line.
        default: Turns what is no JSON value into one, as for `json.dumps`.
    """
    return json.dumps(plain(value), indent=indent, default=default, allow_nan=False)
