"""`TokenizationConfig`: formats and canvases that exist."""

import pytest

from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.errors import ConfigurationError, UnknownNameError


def test_unknown_format_gets_a_hint() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown tokenizer 'unique_cell'\. Did you mean 'unique_cells'\?"):
        TokenizationConfig(format="unique_cell")


@pytest.mark.parametrize("canvas", [1, 65])
def test_refuses_a_canvas_out_of_bounds(canvas: int) -> None:
    with pytest.raises(ConfigurationError, match=f"canvas is {canvas}: it must be 2 to 64"):
        TokenizationConfig(canvas=canvas)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "edges", "connectors": False}, "connectors=False: format edges writes none"),
        ({"format": "cells", "connectors": False}, "connectors=False: format cells writes none"),
        ({"format": "cells", "walls": True}, "walls=True: format cells tells all open sides"),
        ({"format": "row_column", "connectors": False, "walls": True}, "only the connector tells a wall from an edge"),
    ],
)
def test_refuses_options_that_contradict_each_other(options: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TokenizationConfig(**options)


@pytest.mark.parametrize(
    ("kind", "name", "nearest"), [("path", "move", "moves"), ("query", "frist", "first"), ("origin", "paht", "path")]
)
def test_unknown_options_get_a_hint(kind: str, name: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown {kind} '{name}'. Did you mean '{nearest}'"):
        TokenizationConfig(**{kind: name})  # type: ignore[arg-type]
