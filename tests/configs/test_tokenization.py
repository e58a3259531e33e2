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
