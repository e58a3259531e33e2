"""Fields are of the types they are annotated with."""

from dataclasses import dataclass, field

import pytest

from maze_rl.configs.field_types import check_field_types
from maze_rl.errors import ConfigurationError


@dataclass
class Plain:
    count: int = 1
    share: float = 0.5
    maybe: int | None = None
    on: bool = False
    word: str = "a"
    others: tuple[int, ...] = field(default_factory=tuple)


@pytest.mark.parametrize(
    "values", [{}, {"count": 3, "share": 1, "maybe": 2, "on": True, "word": ""}, {"others": ["not looked at"]}]
)
def test_what_fits_passes(values: dict) -> None:
    check_field_types(Plain(**values))


@pytest.mark.parametrize(
    "values, said",
    [
        ({"count": 1.5}, r"count is 1\.5: expected a whole number\."),
        ({"count": True}, "count is True: expected a whole number"),
        ({"share": "0.5"}, "share is '0.5': expected a number"),
        ({"maybe": "no"}, "maybe is 'no': expected a whole number or none"),
        ({"on": 1}, "on is 1: expected true or false"),
        ({"word": None}, "word is None: expected a text"),
    ],
)
def test_what_does_not_is_named(values: dict, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        check_field_types(Plain(**values))
